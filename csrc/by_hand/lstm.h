// Written by hand, the yardstick of the generated code. Long short-term memory (Hochreiter & Schmidhuber 1997, forget gate: Gers et al. 2000).
//   i, f, o = sigmoid(W_x x_t + W_h h_{t-1} + b)    g = tanh(W_x x_t + W_h h_{t-1} + b)
//   c_t = f * c_{t-1} + i * g                       h_t = o * tanh(c_t)
#pragma once

#include "cell.h"

namespace tidegate {

struct LstmByHand {
  static constexpr const char* name = "lstm_by_hand";
  enum { I, F, G, O };
  enum { H, C };
  static constexpr CellLayout layout{
      .num_gates = 4, .num_columns = 4, .num_states = 2, .num_phases = 1, .keeps_vector = false, .num_held = 0,
      .input_first = I, .input_count = 4, .input_block = {0, 1, 2, 3}, .bias_block = {0, 1, 2, 3},
      .num_recurrent_biases = 0,
      .num_products = 1, .products = {{{0, H, I, 4, Matrix::kRecurrent, {0, 1, 2, 3}}}},
      .num_peepholes = 0, .num_diagonals = 0, .diagonals = {}};

  template <int kPhase, class Step>
  static void forward(Step& s) {
    const auto i = sigmoid(s.sum(I));
    const auto f = sigmoid(s.sum(F));
    const auto g = tanh(s.sum(G));
    const auto o = sigmoid(s.sum(O));
    const auto c = f * s.previous(C) + i * g;
    s.keep(I, i);
    s.keep(F, f);
    s.keep(G, g);
    s.keep(O, o);
    s.next(C, c);
    s.next(H, o * tanh(c));
  }

  template <int kPhase, class Step>
  static void backward(Step& s) {
    const auto i = s.kept(I), f = s.kept(F), g = s.kept(G), o = s.kept(O);
    const auto c_before = s.previous(C);
    const auto tanh_c = tanh(f * c_before + i * g);
    const auto dh = s.gradient(H);
    const auto dc = s.gradient(C) + dh * o * (1 - tanh_c * tanh_c);
    s.column_gradient(I, dc * g * i * (1 - i));
    s.column_gradient(F, dc * c_before * f * (1 - f));
    s.column_gradient(G, dc * i * (1 - g * g));
    s.column_gradient(O, dh * tanh_c * o * (1 - o));
    s.previous_gradient(C, dc * f);
    s.previous_gradient(H);
  }
};

}  // namespace tidegate
