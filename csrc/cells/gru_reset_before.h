// The gated recurrent unit, reset before the product (Cho et al. 2014; Chung et al. 2014; the article).
// Phase 0 ends with r * h_{t-1}, phase 1 multiplies it into the candidate.
//   r, z = sigmoid(W_x x_t + W_h h_{t-1} + b)    n = tanh(W_x x_t + W_h (r * h_{t-1}) + b)
//   h_t = (1 - z) * n + z * h_{t-1}              (z = 1 keeps the old state)
#pragma once

#include "../cell.h"

namespace tidegate {

struct GruResetBefore {
  static constexpr const char* name = "gru_reset_before";
  enum { R, Z, N };
  enum { H };
  static constexpr CellLayout layout{
      .num_gates = 3, .num_columns = 3, .num_states = 1, .num_phases = 2, .keeps_vector = true,
      .input_first = R, .input_count = 3, .input_block = {0, 1, 2}, .bias_block = {0, 1, 2},
      .num_recurrent_biases = 0,
      .num_products = 2,
      .products = {{{0, H, R, 2, Matrix::kRecurrent, {0, 1}}, {1, kKept, N, 1, Matrix::kRecurrent, {2}}}},
      .num_peepholes = 0, .num_diagonals = 0, .diagonals = {}};

  template <int kPhase, class Step>
  static void forward(Step& s) {
    if constexpr (kPhase == 0) {
      const auto r = sigmoid(s.sum(R));
      s.keep(R, r);
      s.keep(Z, sigmoid(s.sum(Z)));
      s.keep_vector(r * s.previous(H));
    } else {
      const auto n = tanh(s.sum(N)), z = s.kept(Z);
      s.keep(N, n);
      s.next(H, n + z * (s.previous(H) - n));
    }
  }

  template <int kPhase, class Step>
  static void backward(Step& s) {
    if constexpr (kPhase == 1) {
      const auto z = s.kept(Z), n = s.kept(N);
      const auto dh = s.gradient(H);
      s.column_gradient(N, dh * (1 - z) * (1 - n * n));
      s.column_gradient(Z, dh * (s.previous(H) - n) * z * (1 - z));
      s.previous_gradient(H, dh * z);
      s.start_vector_gradient();
    } else {
      const auto r = s.kept(R), h_before = s.previous(H);
      const auto dv = s.vector_gradient();
      s.column_gradient(R, dv * h_before * r * (1 - r));
      s.add_previous_gradient(H, dv * r);
    }
  }
};

}  // namespace tidegate
