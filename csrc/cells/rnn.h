// The plain recurrent network (Elman 1990): h_t = tanh(W_x x_t + W_h h_{t-1} + b).
#pragma once

#include "../cell.h"

namespace tidegate {

struct Rnn {
  static constexpr const char* name = "rnn";
  enum { N };
  enum { H };
  static constexpr CellLayout layout{
      .num_gates = 1, .num_columns = 1, .num_states = 1, .num_phases = 1, .keeps_vector = false,
      .input_first = N, .input_count = 1, .input_block = {0}, .bias_block = {0}, .num_recurrent_biases = 0,
      .num_products = 1, .products = {{{0, H, N, 1, Matrix::kRecurrent, {0}}}},
      .num_peepholes = 0, .num_diagonals = 0, .diagonals = {}};

  template <int kPhase, class Step>
  static void forward(Step& s) {
    const auto n = tanh(s.sum(N));
    s.keep(N, n);
    s.next(H, n);
  }

  template <int kPhase, class Step>
  static void backward(Step& s) {
    const auto n = s.kept(N);
    const auto dh = s.gradient(H);
    s.column_gradient(N, dh * (1 - n * n));
    s.previous_gradient(H);
  }
};

}  // namespace tidegate
