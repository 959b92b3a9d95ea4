// LSTM whose gates see the cell state through a matrix each (From LSTM to GRU, section 3.1, read to the letter).
// Phase 0 ends with c_t, phase 1 multiplies it into the output gate.
//   i, f = sigmoid(W_x x_t + W_h h_{t-1} + W_c c_{t-1} + b)    g = tanh(W_x x_t + W_h h_{t-1} + b)
//   c_t = f * c_{t-1} + i * g
//   o = sigmoid(W_x x_t + W_h h_{t-1} + W_c c_t + b)           h_t = o * tanh(c_t)
#pragma once

#include "../cell.h"

namespace tidegate {

struct LstmPeepholeFull {
  static constexpr const char* name = "lstm_peephole_full";
  enum { I, F, G, O };
  enum { H, C };
  static constexpr CellLayout layout{
      .num_gates = 4, .num_columns = 4, .num_states = 2, .num_phases = 2, .keeps_vector = true,
      .input_first = I, .input_count = 4, .input_block = {0, 1, 2, 3}, .bias_block = {0, 1, 2, 3},
      .num_recurrent_biases = 0,
      .num_products = 3,
      .products = {{{0, H, I, 4, Matrix::kRecurrent, {0, 1, 2, 3}},
                    {0, C, I, 2, Matrix::kPeephole, {0, 1}},
                    {1, kKept, O, 1, Matrix::kPeephole, {2}}}},
      .num_peepholes = 3, .num_diagonals = 0, .diagonals = {}};

  template <int kPhase, class Step>
  static void forward(Step& s) {
    if constexpr (kPhase == 0) {
      const auto i = sigmoid(s.sum(I));
      const auto f = sigmoid(s.sum(F));
      const auto g = tanh(s.sum(G));
      s.keep(I, i);
      s.keep(F, f);
      s.keep(G, g);
      s.keep_vector(f * s.previous(C) + i * g);
    } else {
      const auto c = s.vector();
      const auto o = sigmoid(s.sum(O));
      s.keep(O, o);
      s.next(C, c);
      s.next(H, o * tanh(c));
    }
  }

  template <int kPhase, class Step>
  static void backward(Step& s) {
    if constexpr (kPhase == 1) {
      const auto o = s.kept(O), tanh_c = tanh(s.vector());
      const auto dh = s.gradient(H);
      s.column_gradient(O, dh * tanh_c * o * (1 - o));
      s.start_vector_gradient(s.gradient(C) + dh * o * (1 - tanh_c * tanh_c));
    } else {
      const auto i = s.kept(I), f = s.kept(F), g = s.kept(G);
      const auto dc = s.vector_gradient();
      s.column_gradient(I, dc * g * i * (1 - i));
      s.column_gradient(F, dc * s.previous(C) * f * (1 - f));
      s.column_gradient(G, dc * i * (1 - g * g));
      s.previous_gradient(C, dc * f);
      s.previous_gradient(H);
    }
  }
};

}  // namespace tidegate
