// A plan: the nodes of a network in the order they are computed, each of which reads earlier ones, over one vector of
// parameters.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cells.h"  // generated from src/tidegate/cells
#if defined(TIDEGATE_BY_HAND)
#include "by_hand/gru.h"
#include "by_hand/lstm.h"
#endif
#include "layers/decay.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/gate.h"
#include "layers/input.h"
#include "layers/loss.h"
#include "layers/padding_gate.h"
#include "layers/pool.h"
#include "layers/streams.h"
#include "layers/thresholds.h"
#include "recurrence.h"

namespace tidegate {

#if defined(TIDEGATE_BY_HAND)  // the yardstick beside the generated code
template <class... Cells>
CellList<Cells..., LstmByHand, GruByHand> with_by_hand(CellList<Cells...>);
using EngineCells = decltype(with_by_hand(AllCells{}));
#else
using EngineCells = AllCells;
#endif

template <class T>
class Plan {
 public:
  explicit Plan(long num_parameters) : num_parameters_(num_parameters) {}

  // ---- each call adds a node and returns its number ----

  // stream: whose steps the rows are; -1: a row a sequence.
  long add_input(long size, bool needs_gradient, long stream = 0) {
    auto node = std::make_unique<InputNode<T>>(size, stream >= 0, add_stream(stream));
    node->value.needs_gradient = needs_gradient;
    inputs_.push_back(node.get());
    return add(std::move(node));
  }

  long add_sparse_input(long size, long stream) {
    auto node = std::make_unique<SparseInputNode<T>>(size, stream >= 0, add_stream(stream));
    sparse_inputs_.push_back(node.get());
    return add(std::move(node));
  }

  long add_embedding(long of, long size, long first_parameter) {
    require_parameters(first_parameter, EmbeddingNode<T>::num_parameters(sparse_input(of)->value.size, size));
    auto node = std::make_unique<EmbeddingNode<T>>(sparse_input(of), size, first_parameter);
    embeddings_.push_back(node.get());
    return add(std::move(node));
  }

  long add_repeat(long of, long like) {
    if (source(of)->value.per_step || !node(like)->value.per_step)
      throw std::invalid_argument("a repeat reads a node per sequence and stands at the steps of another");
    needs_whole_sequences_ = true;
    return add(std::make_unique<RepeatNode<T>>(source(of), node(like)));
  }

  long add_align(long of, long index) {
    if (!source(of)->value.per_step || !sparse_input(index)->value.per_step)
      throw std::invalid_argument("an alignment reads two nodes per step");
    needs_whole_sequences_ = true;
    return add(std::make_unique<AlignNode<T>>(source(of), sparse_input(index)));
  }

  long add_gate(long of, long present, long first_parameter) {
    const Value<T>&value = source(of)->value, &gate = source(present)->value;
    if (value.per_step != gate.per_step || value.stream != gate.stream || gate.size != 1)
      throw std::invalid_argument("a gate reads a node and one of a column whose rows are as many");
    require_parameters(first_parameter, GateNode<T>::num_parameters(value.size));
    return add(std::make_unique<GateNode<T>>(source(of), source(present), first_parameter));
  }

  long add_thresholds(long of, long size, long first_parameter) {
    if (source(of)->value.size != 1) throw std::invalid_argument("thresholds read a node of one column");
    require_parameters(first_parameter, ThresholdsNode<T>::num_parameters(size));
    return add(std::make_unique<ThresholdsNode<T>>(source(of), size, first_parameter));
  }

  // multipliers, updates, beginnings: a node for each state, -1 for none; or empty. product_multiplier: a node or -1.
  long add_recurrent(const std::vector<long>& of, const std::string& cell, long hidden_size, bool reverse,
                     const std::vector<long>& multipliers, const std::vector<long>& updates, long product_multiplier,
                     long first_parameter, const std::vector<long>& beginnings = {}) {
    const auto optional = [&](long number) { return number < 0 ? nullptr : source(number); };
    StateNodes<T> state_nodes;
    for (const long number : multipliers) state_nodes.multipliers.push_back(optional(number));
    for (const long number : updates) state_nodes.updates.push_back(optional(number));
    state_nodes.product_multiplier = optional(product_multiplier);
    for (const Node<T>* one : state_nodes.all())
      if (!one->value.per_step || one->value.size != hidden_size)
        throw std::invalid_argument("a node that acts on states expects a column a hidden unit, " + std::to_string(hidden_size) +
                                    ", of every step; got " + std::to_string(one->value.size));
    const long number = add_cell(EngineCells{}, of, cell, hidden_size, reverse, state_nodes, first_parameter);
    RecurrentNode<T>& layer = *recurrent(number);
    for (const Node<T>* one : state_nodes.all())
      if (one->value.stream != layer.value.stream) throw std::invalid_argument("a node that acts on states stands in their stream");
    for (const long from : beginnings) {
      layer.beginnings.push_back(optional(from));
      if (from >= 0 && (source(from)->value.per_step || source(from)->value.size != hidden_size))
        throw std::invalid_argument("beginnings expects nodes per sequence of hidden_size columns");
    }
    if (!beginnings.empty() && static_cast<long>(beginnings.size()) != layer.num_states)
      throw std::invalid_argument("beginnings expects one node a state of " + cell);
    needs_whole_sequences_ |= !beginnings.empty();
    return number;
  }

  // of: -1 for ones, `size` a step of the stream.
  long add_dropout(long of, long size, const DropoutSettings& settings, long stream = 0) {
    Node<T>* read = of < 0 ? nullptr : source(of);
    if (read && read->value.size != size) throw std::invalid_argument("dropout has as many columns as what it reads");
    return add(std::make_unique<DropoutNode<T>>(read, size, settings, static_cast<long>(nodes_.size()), stream));
  }

  long add_padding_gate(long of, long size, long first_parameter) {
    const Node<T>* read = source(of);
    if (!read->value.per_step || read->value.size != 1) throw std::invalid_argument("a padding gate reads one column a step");
    require_parameters(first_parameter, PaddingGateNode<T>::num_parameters(size));
    return add(std::make_unique<PaddingGateNode<T>>(source(of), size, first_parameter));
  }

  long add_pool(long of, Pooling pooling) {
    if (!source(of)->value.per_step) throw std::invalid_argument("a pool reads a node per step");
    return add(std::make_unique<PoolNode<T>>(source(of), pooling));
  }

  long add_steps(long of, long num_steps) {
    if (num_steps < 1) throw std::invalid_argument("steps side by side are one at least");
    if (!source(of)->value.per_step) throw std::invalid_argument("a pool reads a node per step");
    return add(std::make_unique<StepsNode<T>>(source(of), num_steps));
  }

  long add_dense(const std::vector<long>& of, long size, Activation activation, long first_parameter) {
    const Sources<T> sources = nodes_of(of);
    require_parameters(first_parameter, DenseNode<T>::num_parameters(total_size(sources), size));
    return add(std::make_unique<DenseNode<T>>(sources, size, activation, first_parameter));
  }

  // of: the values, which of them were seen, and the time elapsed since.
  long add_input_decay(const std::vector<long>& of, long first_parameter) {
    const Sources<T> sources = nodes_of(of);
    bool alike = sources.size() == 3;
    for (const Node<T>* source : sources) alike = alike && source->value.per_step && source->value.size == sources[0]->value.size;
    if (!alike) throw std::invalid_argument("an input decay reads three nodes per step of as many columns each");
    require_parameters(first_parameter, InputDecayNode<T>::num_parameters(sources[0]->value.size));
    return add(std::make_unique<InputDecayNode<T>>(sources, first_parameter));
  }

  long add_loss(long of, LossKind kind, LossOptions options) {
    if ((kind == LossKind::kPinball || !options.columns.empty()) && static_cast<long>(options.columns.size()) != source(of)->value.size)
      throw std::invalid_argument("columns expects one number an output");
    auto loss = std::make_unique<LossNode<T>>(source(of), kind, std::move(options));
    losses_.push_back(loss.get());
    return add(std::move(loss));
  }

  // ---- what it holds ----

  long num_parameters() const { return num_parameters_; }
  // Steps of sequences that recurrent layers have computed going forward, so far; other threads may ask.
  long num_rows() const {
    long rows = 0;
    for (const RecurrentNode<T>* layer : recurrent_) rows += layer->num_rows.load(std::memory_order_relaxed);
    return rows;
  }

  const std::vector<InputNode<T>*>& inputs() const { return inputs_; }
  const std::vector<SparseInputNode<T>*>& sparse_inputs() const { return sparse_inputs_; }
  long num_streams() const { return num_streams_; }
  // Whether its inputs are all per step and of one stream.
  bool has_steps_alone() const { return num_streams() == 1 && !has_rows_per_sequence_; }
  // Whether some of its steps cannot be computed before others have passed: not in windows, nor one at a time.
  bool needs_whole_sequences() const { return !has_steps_alone() || needs_whole_sequences_; }
  const std::vector<LossNode<T>*>& losses() const { return losses_; }
  Node<T>* node(long number) const {
    if (number < 0 || number >= static_cast<long>(nodes_.size()))
      throw std::invalid_argument("node " + std::to_string(number) + " is not in the plan of " + std::to_string(nodes_.size()));
    return nodes_[number].get();
  }
  // One with a value to be read: sparse rows are never laid out, and a loss has none.
  Node<T>* source(long number) const {
    Node<T>* found = node(number);
    if (dynamic_cast<SparseInputNode<T>*>(found) || dynamic_cast<LossNode<T>*>(found))
      throw std::invalid_argument("node " + std::to_string(number) + " has no value to be read: it is a sparse input or a loss");
    return found;
  }
  RecurrentNode<T>* recurrent(long number) const {
    auto* found = dynamic_cast<RecurrentNode<T>*>(node(number));
    if (!found) throw std::invalid_argument("node " + std::to_string(number) + " is not recurrent");
    return found;
  }
  bool any_reverse() const {
    return std::any_of(recurrent_.begin(), recurrent_.end(), [](const RecurrentNode<T>* layer) { return layer->value.reversed; });
  }

 protected:
  // Of `count` parameters all but those of tables.
  std::vector<Range> beside_tables(long count) const {
    std::vector<Range> tables, beside;
    for (const EmbeddingNode<T>* one : embeddings_) tables.push_back(one->table());
    std::sort(tables.begin(), tables.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    tables.push_back({count, count});
    long at = 0;
    for (const Range& table : tables) {
      if (at < table.begin) beside.push_back({at, table.begin});
      at = std::max(at, table.end);
    }
    return beside;
  }

  std::vector<std::unique_ptr<Node<T>>> nodes_;
  std::vector<InputNode<T>*> inputs_;
  std::vector<SparseInputNode<T>*> sparse_inputs_;
  std::vector<EmbeddingNode<T>*> embeddings_;
  std::vector<LossNode<T>*> losses_;
  std::vector<RecurrentNode<T>*> recurrent_;

 private:
  template <class... Cells>
  long add_cell(CellList<Cells...>, const std::vector<long>& of, const std::string& cell, long hidden_size, bool reverse,
                const StateNodes<T>& state_nodes, long first_parameter) {
    const Sources<T> sources = nodes_of(of);
    if (!sources[0]->value.per_step) throw std::invalid_argument("a recurrent layer reads nodes per step");
    std::unique_ptr<RecurrentNode<T>> layer;
    const auto make = [&]<class Cell>() {
      if (cell != Cell::name) return false;
      require_parameters(first_parameter, RecurrentWeights<T, Cell>::num_parameters(total_size(sources), hidden_size));
      for (const auto& [what, nodes] : {std::pair{"multipliers", &state_nodes.multipliers}, {"updates", &state_nodes.updates}})
        if (!nodes->empty() && nodes->size() != static_cast<std::size_t>(Cell::layout.num_states))
          throw std::invalid_argument(std::string(what) + " expects one node a state of " + cell);
      layer = std::make_unique<Recurrence<T, Cell>>(sources, state_nodes, hidden_size, reverse, first_parameter);
      return true;
    };
    if (!(make.template operator()<Cells>() || ...)) throw std::invalid_argument("the engine has no cell " + cell);
    recurrent_.push_back(layer.get());
    return add(std::move(layer));
  }

  // -1: of none; its values stand in the order of the first one.
  long add_stream(long stream) {
    has_rows_per_sequence_ |= stream < 0;
    num_streams_ = std::max(num_streams_, stream + 1);
    return std::max(stream, 0L);
  }

  SparseInputNode<T>* sparse_input(long number) const {
    auto* found = dynamic_cast<SparseInputNode<T>*>(node(number));
    if (!found) throw std::invalid_argument("node " + std::to_string(number) + " is not a sparse input");
    return found;
  }

  long add(std::unique_ptr<Node<T>> fresh) {
    nodes_.push_back(std::move(fresh));
    return static_cast<long>(nodes_.size()) - 1;
  }

  Sources<T> nodes_of(const std::vector<long>& numbers) const {
    Sources<T> sources;
    for (const long number : numbers) sources.push_back(source(number));
    if (sources.empty()) throw std::invalid_argument("a node must read at least one other");
    for (const Node<T>* one : sources)
      if (one->value.per_step != sources[0]->value.per_step || one->value.stream != sources[0]->value.stream)
        throw std::invalid_argument("nodes that are read side by side have the same rows: the steps of one stream, or one a sequence");
    return sources;
  }

  void require_parameters(long first, long count) const {
    if (first < 0 || count > num_parameters_ - first)
      throw std::invalid_argument("parameters " + std::to_string(first) + " to " + std::to_string(first + count) +
                                  " are not within the " + std::to_string(num_parameters_) + " of the plan");
  }

  long num_parameters_, num_streams_ = 1;
  bool has_rows_per_sequence_ = false;
  bool needs_whole_sequences_ = false;  // a step reads what is per sequence, or other steps
};

}  // namespace tidegate
