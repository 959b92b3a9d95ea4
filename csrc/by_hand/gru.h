// Written by hand, the yardstick of the generated code. The gated recurrent unit, reset after the product (Cho et al. 2014, in the form of cuDNN and PyTorch).
//   r, z = sigmoid(W_x x_t + W_h h_{t-1} + b)    n = tanh(W_x x_t + b + r * (W_h h_{t-1} + b_hn))
//   h_t = (1 - z) * n + z * h_{t-1}              (z = 1 keeps the old state)
#pragma once

#include "cell.h"

namespace tidegate {

struct GruByHand {
  static constexpr const char* name = "gru_by_hand";
  enum { XN, R, Z, HN };  // the candidate's input and recurrent product have a column each
  enum { H };
  static constexpr CellLayout layout{
      .num_gates = 3, .num_columns = 4, .num_states = 1, .num_phases = 1, .keeps_vector = false, .num_held = 0,
      .input_first = XN, .input_count = 3, .input_block = {2, 0, 1}, .bias_block = {2, 0, 1, 3},
      .num_recurrent_biases = 1,
      .num_products = 1, .products = {{{0, H, R, 3, Matrix::kRecurrent, {0, 1, 2}}}},
      .num_peepholes = 0, .num_diagonals = 0, .diagonals = {}};

  template <int kPhase, class Step>
  static void forward(Step& s) {
    const auto r = sigmoid(s.sum(R));
    const auto z = sigmoid(s.sum(Z));
    const auto n = tanh(s.sum(XN) + r * s.sum(HN));
    s.keep(R, r);
    s.keep(Z, z);
    s.keep(XN, n);
    s.next(H, n + z * (s.previous(H) - n));
  }

  template <int kPhase, class Step>
  static void backward(Step& s) {
    const auto r = s.kept(R), z = s.kept(Z), n = s.kept(XN), product = s.kept(HN);
    const auto dh = s.gradient(H);
    const auto da_n = dh * (1 - z) * (1 - n * n);
    s.column_gradient(XN, da_n);
    s.column_gradient(HN, da_n * r);
    s.column_gradient(R, da_n * product * r * (1 - r));
    s.column_gradient(Z, dh * (s.previous(H) - n) * z * (1 - z));
    s.previous_gradient(H, dh * z);
  }
};

}  // namespace tidegate
