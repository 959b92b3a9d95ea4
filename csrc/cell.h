// How a cell tells the time loop what it multiplies, and the two accessors its equations speak to. The cells themselves
// are generated from their records (src/tidegate/cells/codegen.py).
//
// A cell's columns are its products: a gate's input and recurrent product share one column where they are only ever
// added, and have one each where they are not (the GRU's candidate). The pre-activations, activations and gradients
// of one time step of one sequence lie as [vector of units][column][unit in the vector].
#pragma once

#include <array>

#include "simd.h"

namespace tidegate {

inline constexpr int kMaxColumns = 4;
inline constexpr int kMaxStates = 2;
inline constexpr int kMaxProducts = 3;
inline constexpr int kMaxDiagonals = 3;

enum class Matrix { kRecurrent, kPeephole };  // weight_hh, weight_ch

// columns [first, first + count) += matrix rows `block[...]` (blocks of H rows) times a source: a state of the step
// before (0, 1, ...), or the cell's kept vector (kKept), written in an earlier phase of the same step.
inline constexpr int kKept = kMaxStates;
struct RecurrentProduct {
  int phase, source, first, count;
  Matrix matrix;
  std::array<int, kMaxColumns> block;
};

// A diagonal weight: column += weight_ch block * source. The equation multiplies by it; its gradient is summed here.
struct Diagonal {
  int source, column, block;
};

struct CellLayout {
  int num_gates;                                  // blocks of H rows in weight_ih, weight_hh and bias
  int num_columns;
  int num_states;                                 // state 0 is h, the output
  int num_phases;
  bool keeps_vector;                              // the kept vector is in use
  int num_held;                                   // gradients that wait from one phase to the one before
  int input_first, input_count;                   // the columns that W x is added to
  std::array<int, kMaxColumns> input_block;       // their blocks of weight_ih
  std::array<int, kMaxColumns> bias_block;        // of (bias, recurrent bias), for each column
  int num_recurrent_biases;                       // blocks of H after `bias`
  int num_products;
  std::array<RecurrentProduct, kMaxProducts> products;
  int num_peepholes;                              // blocks of weight_ch
  int num_diagonals;                              // 0 where weight_ch is a matrix
  std::array<Diagonal, kMaxDiagonals> diagonals;
};

// One time step of one sequence, for one vector of units, going forward.
template <class T>
struct ForwardStep {
  using V = Vec<T>;
  T* columns;
  std::array<const T*, kMaxStates> previous_states;
  std::array<T*, kMaxStates> states;
  T* output;
  T* kept_vector;
  const T* diagonal;     // weight_ch where diagonal, this vector of units of block 0
  long diagonal_stride;  // between its blocks
  bool masked;         // a masked step leaves every state as it was

  V sum(int column) const { return load<T>(columns + column * kWidth<T>); }
  void keep(int column, V v) { store(columns + column * kWidth<T>, v); }
  V kept(int column) const { return sum(column); }
  V previous(int state) const { return load<T>(previous_states[state]); }
  V peephole(int block) const { return load<T>(diagonal + block * diagonal_stride); }
  void keep_vector(V v) { store(kept_vector, v); }
  V vector() const { return load<T>(kept_vector); }
  void next(int state, V v) {
    if (masked) v = previous(state);
    store(states[state], v);
    if (state == 0) store(output, v);
  }
};

// The same, going backward: columns hold what was kept and are overwritten by their gradients.
template <class T>
struct BackwardStep {
  using V = Vec<T>;
  T* columns;
  std::array<const T*, kMaxStates> previous_states;
  std::array<T*, kMaxStates> gradients;  // of the states after this step, overwritten by those before it
  const T* output_gradient;              // null: none
  const T* kept_vector;
  T* kept_vector_gradient;
  T* held_gradients;
  long held_stride;  // between them
  const T* diagonal;
  long diagonal_stride;
  bool masked;

  V kept(int column) const { return load<T>(columns + column * kWidth<T>); }
  V previous(int state) const { return load<T>(previous_states[state]); }
  V peephole(int block) const { return load<T>(diagonal + block * diagonal_stride); }
  V vector() const { return load<T>(kept_vector); }
  // d loss / d state after this step, as the equation's result: zero on a masked step, which has no equation.
  V gradient(int state) const { return masked ? V{} : incoming(state); }
  void column_gradient(int column, V v) { store(columns + column * kWidth<T>, v); }
  // Of the state before, beside what the recurrent products add to it afterwards.
  void previous_gradient(int state, V v = V{}) { store(gradients[state], masked ? incoming(state) : v); }
  void add_previous_gradient(int state, V v) { store(gradients[state], load<T>(gradients[state]) + v); }
  void start_vector_gradient(V v = V{}) { store(kept_vector_gradient, v); }  // the phase's products are added to it
  void hold(int place, V v) { store(held_gradients + place * held_stride, v); }
  V held(int place) const { return load<T>(held_gradients + place * held_stride); }
  V vector_gradient() const { return load<T>(kept_vector_gradient); }

 private:
  V incoming(int state) const {
    const V g = load<T>(gradients[state]);
    return state == 0 && output_gradient ? g + load<T>(output_gradient) : g;
  }
};

}  // namespace tidegate
