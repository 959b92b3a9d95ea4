// A recurrent layer as the network sees it, whatever its cell, and the nodes that act on its states.
#pragma once

#include <atomic>

#include "cell.h"
#include "node.h"

namespace tidegate {

// What the network asks of a recurrent layer beside forward and backward: its states, (sequences, H padded), in the
// order of the batch.
template <class T>
class RecurrentNode : public Node<T> {
 public:
  long hidden_size, hidden_stride, num_states;
  std::array<Buffer<T>, kMaxStates> states;           // before the pass the initial ones, after it the final ones
  std::array<Buffer<T>, kMaxStates> state_gradients;  // before the backward pass of the final, after it of the initial
  std::atomic<long> num_rows{0};  // that forward passes have computed, so far
  bool has_initial = false, has_final_gradient = false;
  // Whether the backward pass keeps d loss / d state after every step, (steps, H padded).
  bool records_gradients = false;
  std::array<Buffer<T>, kMaxStates> recorded_gradients;

  Sources<T> beginnings;  // for each state the node per sequence whose row it begins with, or null; empty: none has one

  RecurrentNode(long hidden, long count)
      : Node<T>(hidden, true), hidden_size(hidden), hidden_stride(this->value.stride), num_states(count) {}

  virtual long bytes_of_products() const = 0;  // the weights that every step reads
  virtual long num_columns() const = 0;
  // A column of every step, (steps, H padded), after a forward pass; and a state after every step.
  virtual void read_column(const Batch& batch, long column, T* to) const = 0;
  virtual void read_state(const Batch& batch, long state, T* to) const = 0;

 protected:
  // The initial states, where no one has set them.
  void begin_states(const Batch& batch) {
    if (has_initial) return;
    for (long s = 0; s < num_states; ++s) {
      T* to = states[s].zero(batch.num_sequences * hidden_stride);
      if (const Node<T>* from = beginning(s))
        for (long b = 0; b < batch.num_sequences; ++b)
          std::copy_n(from->value.data.data() + batch.place[b] * hidden_stride, hidden_size, to + b * hidden_stride);
    }
  }

  // Their gradients, to the nodes that they came from.
  void end_state_gradients(const Batch& batch) {
    for (long s = 0; s < num_states; ++s) {
      Node<T>* from = has_initial ? nullptr : beginning(s);
      if (!from || !from->value.needs_gradient) continue;
      const Rows<T> to = from->value.accumulated_gradient(batch);
      for (long b = 0; b < batch.num_sequences; ++b)
        for (long j = 0; j < hidden_size; ++j) to.at(batch.place[b], j).data[0] += state_gradients[s].data()[b * hidden_stride + j];
    }
  }

  Node<T>* beginning(long state) const { return beginnings.empty() ? nullptr : beginnings[state]; }
};

// Nodes with a value a unit and step that act on the states s of a layer, beside its cell's equations; null: none.
template <class T>
struct StateNodes {
  std::vector<Node<T>*> multipliers;      // m of each state, or empty: s_{t-1} becomes m s_{t-1} before anything reads it
  std::vector<Node<T>*> updates;          // p of each state, or empty: s_t = p s^_t + (1 - p) s_{t-1}, s^_t from the equations
  Node<T>* product_multiplier = nullptr;  // q: the products of weight_hh read q times what they would read

  Node<T>* multiplier(int state) const { return multipliers.empty() ? nullptr : multipliers[state]; }
  Node<T>* update(int state) const { return updates.empty() ? nullptr : updates[state]; }
  bool multiplies() const { return !multipliers.empty() || product_multiplier; }
  std::vector<Node<T>*> all() const {
    std::vector<Node<T>*> nodes(multipliers);
    nodes.insert(nodes.end(), updates.begin(), updates.end());
    nodes.push_back(product_multiplier);
    std::erase(nodes, nullptr);
    return nodes;
  }
};

}  // namespace tidegate
