// LSTM whose gates see the cell state through one weight a unit (Gers & Schmidhuber 2000; Graves 2013, eqs. 7-11).
//   i, f = sigmoid(W_x x_t + W_h h_{t-1} + w_c * c_{t-1} + b)    g = tanh(W_x x_t + W_h h_{t-1} + b)
//   c_t = f * c_{t-1} + i * g
//   o = sigmoid(W_x x_t + W_h h_{t-1} + w_c * c_t + b)           h_t = o * tanh(c_t)
#pragma once

#include "../cell.h"

namespace tidegate {

struct LstmPeephole {
  static constexpr const char* name = "lstm_peephole";
  enum { I, F, G, O };
  enum { H, C };
  enum { P_I, P_F, P_O };  // blocks of weight_ch
  static constexpr CellLayout layout{
      .num_gates = 4, .num_columns = 4, .num_states = 2, .num_phases = 1, .keeps_vector = true,
      .input_first = I, .input_count = 4, .input_block = {0, 1, 2, 3}, .bias_block = {0, 1, 2, 3},
      .num_recurrent_biases = 0,
      .num_products = 1, .products = {{{0, H, I, 4, Matrix::kRecurrent, {0, 1, 2, 3}}}},
      .num_peepholes = 3, .num_diagonals = 3, .diagonals = {{{C, I, P_I}, {C, F, P_F}, {kKept, O, P_O}}}};

  template <int kPhase, class Step>
  static void forward(Step& s) {
    const auto c_before = s.previous(C);
    const auto i = sigmoid(s.sum(I) + s.peephole(P_I) * c_before);
    const auto f = sigmoid(s.sum(F) + s.peephole(P_F) * c_before);
    const auto g = tanh(s.sum(G));
    const auto c = f * c_before + i * g;
    const auto o = sigmoid(s.sum(O) + s.peephole(P_O) * c);
    s.keep(I, i);
    s.keep(F, f);
    s.keep(G, g);
    s.keep(O, o);
    s.keep_vector(c);
    s.next(C, c);
    s.next(H, o * tanh(c));
  }

  template <int kPhase, class Step>
  static void backward(Step& s) {
    const auto i = s.kept(I), f = s.kept(F), g = s.kept(G), o = s.kept(O);
    const auto c_before = s.previous(C);
    const auto tanh_c = tanh(s.vector());
    const auto dh = s.gradient(H);
    const auto da_o = dh * tanh_c * o * (1 - o);
    const auto dc = s.gradient(C) + dh * o * (1 - tanh_c * tanh_c) + da_o * s.peephole(P_O);
    const auto da_i = dc * g * i * (1 - i);
    const auto da_f = dc * c_before * f * (1 - f);
    s.column_gradient(I, da_i);
    s.column_gradient(F, da_f);
    s.column_gradient(G, dc * i * (1 - g * g));
    s.column_gradient(O, da_o);
    s.previous_gradient(C, dc * f + da_i * s.peephole(P_I) + da_f * s.peephole(P_F));
    s.previous_gradient(H);
  }
};

}  // namespace tidegate
