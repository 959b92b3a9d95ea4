// The one time loop, over any cell: phases, lengths, directions, masked steps, and beside the cell's equations what
// other nodes, with a value a unit and step, do to its states (StateNodes).
//
// Memory of one layer in one direction, for S = vectors of units * columns * vector width (and at times a cache line more):
//   columns (steps, S)     pre-activations, then activations, then their gradients, in place; of a chunk or a step at a time
//                          where the pass keeps nothing
//   previous (steps, H)    each state of the step before, after the multiplier: what the products and equations read
//   kept (steps, H)        the vector that a cell hands from one phase to the next (r * h, or the new c)
//   operands (steps, H)    where there is a product multiplier, what the products of weight_hh read
//   moves (steps, H)       of a state whose update has a gradient, s^_t - s_{t-1}
//
// Who computes what: a group of sequences (batch.h) from its first step to its last; or, where there is one group with
// large weights, all its sequences for some of the units, phase by phase. Groups go through time in chunks of some
// hundred rows, so that products over all steps, before the loop and after it, find their rows in the cache.
//
// A long file, since forward and backward go through the same buffers by the same steps.
#pragma once

#include <memory>

#include "recurrent_node.h"
#include "recurrent_weights.h"

namespace tidegate {

template <class T, class Cell>
class Recurrence final : public RecurrentNode<T> {
  static constexpr CellLayout kLayout = Cell::layout;
  static constexpr int W = kWidth<T>, kColumns = kLayout.num_columns, kStates = kLayout.num_states;

 public:
  Recurrence(Sources<T> sources, StateNodes<T> state_nodes, long hidden_size, bool reverse, long first_parameter)
      : RecurrentNode<T>(hidden_size, kStates),
        sources_(std::move(sources)),
        state_nodes_(std::move(state_nodes)),
        reverse_(reverse),
        weights_(sources_, hidden_size, first_parameter) {
    this->value.reversed = reverse;
    this->value.stream = sources_.front()->value.stream;
  }

  long bytes_of_products() const override { return weights_.bytes_of_products(); }

  long num_columns() const override { return kColumns; }

  void read_column(const Batch& batch, long column, T* to) const override {
    for (long row = 0; row < batch.num_steps; ++row)
      for (long u = 0; u < weights_.units; ++u)
        std::copy_n(columns_.data() + row * weights_.stride + (u * kColumns + column) * W, W, to + row * hidden_stride + u * W);
  }

  void read_state(const Batch& batch, long state, T* to) const override {
    if (state == 0) {
      std::copy_n(this->value.data.data(), batch.num_steps * hidden_stride, to);
      return;
    }
    const Buffer<T>& before = state_nodes_.multiplier(state) ? unmultiplied_[state] : previous_[state];
    batch.for_rows(0, batch.num_steps, [&](long row, long b, long t) {
      const long next = reverse_ ? t - 1 : t + 1;
      const T* from = next >= 0 && next < batch.length[b] ? before.data() + batch.row(next, b) * hidden_stride
                                                          : this->states[state].data() + b * hidden_stride;
      std::copy_n(from, hidden_stride, to + row * hidden_stride);
    });
  }

  // From about 20 us of arithmetic on.
  double operations_to_share(const Batch& batch) const override {
    constexpr double kFewest = 2e6;
    const double operations = 2.0 * static_cast<double>(batch.num_steps * weights_.gradient_size);
    return operations > kFewest && (batch.groups.size() > 1 || unit_shares(batch, 2) > 1) ? operations : 0;
  }

  void pack(const T* parameters, bool backward, Team& team) override { weights_.pack(parameters, backward, team); }

  void forward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    columns_begin_.assign(1, 0);
    for (const Group& group : batch.groups) columns_begin_.push_back(columns_begin_.back() + rows_of_columns(pass, group));
    columns_.resize(columns_begin_.back() * weights_.stride);
    this->value.data.resize(batch.num_steps * hidden_stride);
    if constexpr (kLayout.keeps_vector) kept_.resize(batch.num_steps * hidden_stride);
    for (int s = 0; s < kStates; ++s) {
      previous_[s].resize(batch.num_steps * hidden_stride);
      if (keeps_unmultiplied(s)) unmultiplied_[s].resize(batch.num_steps * hidden_stride);
      if (keeps_moves(s)) moves_[s].resize(batch.num_steps * hidden_stride);
    }
    if (state_nodes_.product_multiplier) {
      operands_.resize(batch.num_steps * hidden_stride);
      if constexpr (kLayout.keeps_vector) kept_operands_.resize(batch.num_steps * hidden_stride);
    }
    this->begin_states(batch);
    const int shares = unit_shares(batch, pass.team->size());
    if (shares > 1) {
      forward_by_units(pass, batch.groups[0], shares);
    } else {
      pass.team->run([&](int g, int) { forward_group(pass, batch.groups[g]); }, static_cast<int>(batch.groups.size()));
    }
    pass.interrupt->throw_if_requested();
  }

  void backward(Pass<T>& pass) override {
    const Batch& batch = pass.batch;
    for (int s = 0; s < kStates; ++s) {
      if (!this->has_final_gradient) this->state_gradients[s].zero(batch.num_sequences * hidden_stride);
      if (state_nodes_.update(s)) passed_gradients_[s].resize(batch.num_sequences * hidden_stride);
      if (this->records_gradients) this->recorded_gradients[s].resize(batch.num_steps * hidden_stride);
    }
    const auto accumulate = [&](Node<T>* node) {
      if (node && node->value.needs_gradient) node->value.accumulated_gradient(batch);
    };
    for (int s = 0; s < kStates; ++s) {
      Node<T>* m = state_nodes_.multiplier(s);
      if (m && m->value.is_decay) {
        m->value.exponent_gradient.resize(batch.num_steps * hidden_stride);
        adds_to_exponent_gradient_[s] = std::exchange(m->value.has_exponent_gradient, true);
      } else {
        accumulate(m);
      }
      accumulate(state_nodes_.update(s));
    }
    accumulate(state_nodes_.product_multiplier);
    if (state_nodes_.product_multiplier) operand_gradient_.resize(batch.num_sequences * hidden_stride);
    if constexpr (kLayout.keeps_vector) kept_gradient_.resize(batch.num_sequences * hidden_stride);
    if constexpr (kLayout.num_held > 0) held_.resize(kLayout.num_held * batch.num_sequences * hidden_stride);
    adds_to_input_gradient_.clear();
    for (Node<T>* source : sources_) {
      Value<T>& x = source->value;
      adds_to_input_gradient_.push_back(x.has_gradient);
      if (x.needs_gradient && !x.has_gradient) x.gradient.resize(batch.num_steps * x.stride);
      x.has_gradient |= x.needs_gradient;
    }
    while (gradients_.size() < batch.groups.size()) gradients_.emplace_back();
    for (std::size_t g = 0; g < batch.groups.size(); ++g) gradients_[g].resize(weights_.gradient_size);
    const int shares = unit_shares(batch, pass.team->size());
    if (shares > 1) {
      backward_by_units(pass, batch.groups[0], shares);
    } else {
      pass.team->run([&](int g, int) { backward_group(pass, batch.groups[g], gradients_[g].data()); },
                     static_cast<int>(batch.groups.size()));
    }
    pass.interrupt->throw_if_requested();
    of_groups_.clear();
    for (std::size_t g = 0; g < batch.groups.size(); ++g) of_groups_.push_back(gradients_[g].data());
    weights_.unpack(of_groups_, pass.gradients, *pass.team);
    this->end_state_gradients(batch);
  }

 private:
  using RecurrentNode<T>::hidden_size, RecurrentNode<T>::hidden_stride;

  static constexpr int kUnitsOfPanel = kTileVectors;  // vectors of units that a panel of the backward product writes

  // Whether a product of weight_hh reads the kept vector, in a phase: r * h stands there for h.
  static constexpr bool reads_kept(int phase) {
    for (int p = 0; p < kLayout.num_products; ++p) {
      const RecurrentProduct& one = kLayout.products[p];
      if (one.phase == phase && one.matrix == Matrix::kRecurrent && one.source == kKept) return true;
    }
    return false;
  }

  const T* source(int index) const { return index == kKept ? kept_.data() : previous_[index].data(); }

  // The node that multiplies what a product reads, or null.
  Node<T>* multiplier_of(const RecurrentProduct& product) const {
    return product.matrix == Matrix::kRecurrent ? state_nodes_.product_multiplier : nullptr;
  }

  // What a product reads.
  const T* operand(const RecurrentProduct& product) const {
    if (!multiplier_of(product)) return source(product.source);
    return product.source == kKept ? kept_operands_.data() : operands_.data();
  }

  // Whether a state is kept as it is before its multiplier too: for the gradient of that, or to be read, where it is no output.
  bool keeps_unmultiplied(int state) const {
    const Node<T>* m = state_nodes_.multiplier(state);
    return m && (state > 0 || (m->value.needs_gradient && !m->value.is_decay));
  }

  bool keeps_moves(int state) const {
    const Node<T>* update = state_nodes_.update(state);
    return update && update->value.needs_gradient;
  }

  Rows<T> columns() { return {columns_.data(), weights_.stride}; }

  // How many rows of columns stand at a time: all, or those of a chunk, or of a step that multiplies its own inputs.
  long rows_of_columns(const Pass<T>& pass, const Group& group) const {
    if (pass.keeps) return group.rows.size();
    if (fuses_input(group)) return group.num_sequences;
    long most = 0;
    for_chunks(group, false, [&](Range chunk) { most = std::max(most, rows_of(group, chunk).size()); });
    return most;
  }

  // Those from a row of a chunk on.
  Rows<T> columns_of(const Pass<T>& pass, const Group& group, Range chunk, long row) {
    const long first = pass.keeps ? group.rows.begin : fuses_input(group) ? row : rows_of(group, chunk).begin;
    return columns().at(columns_begin_[&group - pass.batch.groups.data()] + row - first);
  }

  Range all_units() const { return {0, weights_.units}; }

  // Into how many shares of units a step's work is cut among so many threads; 1: it is not. The work is that of reading
  // the weights, once for eight rows.
  int unit_shares(const Batch& batch, int threads) const {
    if (batch.groups.size() > 1 || batch.num_steps == 0) return 1;
    constexpr double kWorthARound = 262144;  // bytes of a share
    const Group& group = batch.groups[0];
    const double rows = static_cast<double>(group.rows.size()) / static_cast<double>(group.max_length);
    const double work = std::max(1.0, rows / 8) * static_cast<double>(weights_.bytes_of_products());
    const long panels = (weights_.units + kUnitsOfPanel - 1) / kUnitsOfPanel;
    return static_cast<int>(std::clamp(static_cast<long>(work / kWorthARound), 1L, std::min<long>(threads, panels)));
  }

  Range units_of_share(int share_number, int count) const { return share(weights_.units, share_number, count, kUnitsOfPanel); }
  static Range panels_of_units(Range units) {
    return {units.begin / kUnitsOfPanel, (units.end + kUnitsOfPanel - 1) / kUnitsOfPanel};
  }

  // Whether a step multiplies its own inputs: the weights of both then stay in the cache, and there are rows enough
  // to read them for. Else one product does it for all rows of a chunk.
  bool fuses_input(const Group& group) const {
    return group.num_sequences >= 4 && weights_.bytes_of_products() + weights_.bytes_of_inputs() <= bytes_for_weights_;
  }

  // ---- one step of a group: its rows, and where the states go ----

  struct Step {
    long t, row, rows, sequence;         // first row, how many, first sequence
    long next_row, next_rows;            // of the step computed after this one; the other sequences end here
  };

  Step step_of(const Group& group, long t) const {
    Step step{t, group.first[t], group.active[t], group.first_sequence, 0, 0};
    const long next = reverse_ ? t - 1 : t + 1;
    if (next >= 0 && next < group.max_length) {
      step.next_row = group.first[next];
      step.next_rows = std::min(group.active[next], step.rows);
    }
    return step;
  }

  // Where a state is written for the step after, before its multiplier.
  T* incoming(int state) { return (keeps_unmultiplied(state) ? unmultiplied_ : previous_)[state].data(); }

  template <class Visit>
  void for_chunks(const Group& group, bool descending, Visit&& visit) const {
    const long count = static_cast<long>(group.chunks.size()) - 1;
    for (long i = 0; i < count; ++i) {
      const long c = descending ? count - 1 - i : i;
      visit(Range{group.chunks[c], group.chunks[c + 1]});
    }
  }
  template <class Visit>
  static void for_steps(Range steps, bool descending, Visit&& visit) {
    for (long i = 0; i < steps.size(); ++i) visit(descending ? steps.end - 1 - i : steps.begin + i);
  }
  static Range rows_of(const Group& group, Range steps) { return {group.first[steps.begin], group.first[steps.end]}; }

  // ---- forward ----

  void forward_group(Pass<T>& pass, const Group& group) {
    start(pass.batch, group);
    long num_rows = 0;
    for_chunks(group, reverse_, [&](Range chunk) {
      const Rows<T> columns = columns_of(pass, group, chunk, rows_of(group, chunk).begin);
      if (!fuses_input(group)) input_products(rows_of(group, chunk), all_units(), columns);
      for_steps(chunk, reverse_, [&](long t) {
        if (pass.interrupt->check()) return;
        const Step step = step_of(group, t);
        multiply_states(step, all_units());
        const Rows<T> of_step = columns_of(pass, group, chunk, step.row);
        for_phases([&]<int kPhase>() { phase_forward<kPhase>(pass, group, step, all_units(), of_step); });
        num_rows += step.rows;
      });
    });
    this->num_rows.fetch_add(num_rows, std::memory_order_relaxed);
  }

  void forward_by_units(Pass<T>& pass, const Group& group, int shares) {
    start(pass.batch, group);
    for_chunks(group, reverse_, [&](Range chunk) {
      const Rows<T> columns = columns_of(pass, group, chunk, rows_of(group, chunk).begin);
      if (!fuses_input(group))
        pass.team->run([&](int k, int count) { input_products(rows_of(group, chunk), units_of_share(k, count), columns); }, shares);
      for_steps(chunk, reverse_, [&](long t) {
        if (pass.interrupt->check()) return;
        const Step step = step_of(group, t);
        if (state_nodes_.multiplies())
          pass.team->run([&](int k, int count) { multiply_states(step, units_of_share(k, count)); }, shares);
        const Rows<T> of_step = columns_of(pass, group, chunk, step.row);
        for_phases([&]<int kPhase>() {
          pass.team->run([&](int k, int count) { phase_forward<kPhase>(pass, group, step, units_of_share(k, count), of_step); }, shares);
        });
        this->num_rows.fetch_add(step.rows, std::memory_order_relaxed);
      });
    });
  }

  template <class Visit>
  static void for_phases(Visit&& visit) {
    [&]<int... kPhases>(std::integer_sequence<int, kPhases...>) {
      (visit.template operator()<kPhases>(), ...);
    }(std::make_integer_sequence<int, kLayout.num_phases>{});
  }

  // The initial states, to the step that each sequence begins with.
  void start(const Batch& batch, const Group& group) {
    for (long b = group.first_sequence; b < group.first_sequence + group.num_sequences && batch.length[b] > 0; ++b) {
      const long at = batch.row(reverse_ ? batch.length[b] - 1 : 0, b) * hidden_stride;
      for (int s = 0; s < kStates; ++s) std::copy_n(this->states[s].data() + b * hidden_stride, hidden_stride, incoming(s) + at);
    }
  }

  // The states before a step, as the multipliers leave them.
  void multiply_states(const Step& step, Range units) {
    for (int s = 0; s < kStates; ++s)
      if (const Node<T>* m = state_nodes_.multiplier(s)) multiply(step, units, *m, incoming(s), previous_[s].data());
    if (const Node<T>* q = state_nodes_.product_multiplier) multiply(step, units, *q, previous_[0].data(), operands_.data());
  }

  // columns = bias + W x, for some rows.
  void input_products(Range rows, Range units, Rows<T> columns) const {
    for (long r = 0; r < rows.size(); ++r) start_columns(columns.at(r).data, units);
    const Rows<T> sums = columns.at(0, kLayout.input_first * W);
    Rows<const T> initial{weights_.bias() + kLayout.input_first * W, 0};
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Value<T>& x = sources_[s]->value;
      product<T>(rows.size(), x.read().at(rows.begin), {x.size}, weights_.input(s), weights_.input_panels, units, initial, sums);
      initial = {sums.data, sums.stride};
    }
  }

  // The bias of the columns that no input is added to.
  void start_columns(T* row, Range units) const {
    for (int column = 0; column < kColumns; ++column) {
      if (column >= kLayout.input_first && column < kLayout.input_first + kLayout.input_count) continue;
      for (long u = units.begin; u < units.end; ++u) {
        const long at = (u * kColumns + column) * W;
        store(row + at, load<T>(weights_.bias() + at));
      }
    }
  }

  // to = node * from
  static void multiply(const Step& step, Range units, const Node<T>& node, const T* from, T* to) {
    const T* by = node.value.data.data();
    const long stride = node.value.stride;
    for (long row = step.row; row < step.row + step.rows; ++row)
      for (long at = row * stride + units.begin * W; at < row * stride + units.end * W; at += W)
        store(to + at, load<T>(from + at) * load<T>(by + at));
  }

  // Where the state after the step is, of its row `i`.
  T* next_state(int state, const Step& step, long i) {
    return i < step.next_rows ? incoming(state) + (step.next_row + i) * hidden_stride
                              : this->states[state].data() + (step.sequence + i) * hidden_stride;
  }

  // The states that the equations gave, with what their updates keep of those before.
  [[gnu::noinline]] void update_states(const Pass<T>& pass, const Step& step, Range units) {
    for (int s = 0; s < kStates; ++s) {
      const Node<T>* update = state_nodes_.update(s);
      if (!update) continue;
      for (long i = 0; i < step.rows; ++i) {
        const long row = step.row + i;
        T* states = next_state(s, step, i);
        const bool masked = is_masked(pass, row);
        for (long u = units.begin * W; u < units.end * W; u += W) {
          const long at = row * hidden_stride + u;
          const Vec<T> given = load<T>(states + u), before = load<T>(previous_[s].data() + at);
          if (keeps_moves(s)) store(moves_[s].data() + at, given - before);
          if (masked) continue;
          const Vec<T> p = load<T>(update->value.data.data() + at), state = fma(p, given, (1 - p) * before);
          store(states + u, state);
          if (s == 0) store(this->value.data.data() + at, state);
        }
      }
    }
  }

  template <int kPhase>
  void phase_forward(Pass<T>& pass, const Group& group, const Step& step, Range units, Rows<T> columns_of_step) {
    std::array<const T*, kMaxProducts> operands{};
    for (int p = 0; p < kLayout.num_products; ++p) operands[p] = operand(kLayout.products[p]);
    constexpr long kRowBlock = 48;  // rows whose columns of one vector of units stay in the first-level cache
    for (long u = units.begin; u < units.end; ++u)
      for (long first = 0; first < step.rows; first += kRowBlock) {
        const long row = step.row + first, rows = std::min(kRowBlock, step.rows - first);
        if (kPhase == 0 && fuses_input(group)) input_products({row, row + rows}, {u, u + 1}, columns_of_step.at(first));
        const Rows<T> columns = columns_of_step.at(first, u * kColumns * W);
        for (int p = 0; p < kLayout.num_products; ++p) {
          const RecurrentProduct& one = kLayout.products[p];
          if (one.phase != kPhase) continue;
          const Rows<T> sums = columns.at(0, one.first * W);
          panel_product<T>(rows, Rows<const T>{operands[p], hidden_stride}.at(row), {hidden_size},
                           weights_.product(p) + u * hidden_size * one.count * W, one.count, {sums.data, sums.stride}, sums);
        }
        for (long r = 0; r < rows; ++r) {
          const bool goes_on = first + r < step.next_rows;
          const long at = (row + r) * hidden_stride + u * W;
          const long next_at = (goes_on ? step.next_row + first + r : step.sequence + first + r) * hidden_stride + u * W;
          ForwardStep<T> one;
          one.columns = columns.at(r).data;
          for (int s = 0; s < kStates; ++s) {
            one.previous_states[s] = previous_[s].data() + at;
            one.states[s] = (goes_on ? incoming(s) : this->states[s].data()) + next_at;
          }
          one.output = this->value.data.data() + at;
          one.kept_vector = kept_.data() + (kLayout.keeps_vector ? at : 0);
          one.diagonal = weights_.diagonal() + (kLayout.num_diagonals ? u * W : 0);
          one.diagonal_stride = weights_.units * W;
          one.masked = is_masked(pass, row + r);
          if (kPhase == 0) {
            const long next_row = goes_on ? step.next_row + first + r : row + r;
            if (u + 1 < units.end) prefetch_written(pass, row + r, next_row, u + 1);
            else prefetch_written(pass, next_row, next_row, units.begin);
          }
          Cell::template forward<kPhase>(one);
        }
      }
    if constexpr (reads_kept(kPhase + 1))
      if (const Node<T>* q = state_nodes_.product_multiplier) multiply(step, units, *q, kept_.data(), kept_operands_.data());
    if (kPhase == kLayout.num_phases - 1 && !state_nodes_.updates.empty()) update_states(pass, step, units);
  }

  // The lines that a row will write for one vector of units: 2 to 6 % of the time where the batch exceeds the caches.
  void prefetch_written(const Pass<T>& pass, long row, long next_row, long u) {
    if (pass.keeps) {
      const T* columns = columns_.data() + row * weights_.stride + u * kColumns * W;
      for (int column = 0; column < kColumns; ++column) __builtin_prefetch(columns + column * W, 1);
    }
    __builtin_prefetch(this->value.data.data() + row * hidden_stride + u * W, 1);
    for (int s = 0; s < kStates; ++s) __builtin_prefetch(incoming(s) + next_row * hidden_stride + u * W, 1);
  }

  static bool is_masked(const Pass<T>& pass, long row) { return pass.mask && !pass.mask[row]; }

  // ---- backward ----

  void backward_group(Pass<T>& pass, const Group& group, T* gradients) {
    bool first = true;
    if (group.max_length == 0) std::fill_n(gradients, weights_.gradient_size, T(0));  // none of them has a step here
    for_chunks(group, !reverse_, [&](Range chunk) {
      for_steps(chunk, !reverse_, [&](long t) {
        if (pass.interrupt->check()) return;
        const Step step = step_of(group, t);
        for_phases([&]<int kReversed>() {
          constexpr int kPhase = kLayout.num_phases - 1 - kReversed;
          phase_backward<kPhase>(pass, step, all_units());
          products_backward(step, kPhase, all_units());
        });
      });
      if (pass.interrupt->requested()) return;
      const Range rows = rows_of(group, chunk);
      input_gradients(rows);
      weight_gradients(rows, all_units(), gradients, !std::exchange(first, false));
    });
  }

  void backward_by_units(Pass<T>& pass, const Group& group, int shares) {
    bool first = true;
    for_chunks(group, !reverse_, [&](Range chunk) {
      Step step{};
      int unfinished = -1;  // the phase whose products of `step` are still to be made, in the round of what follows
      for_steps(chunk, !reverse_, [&](long t) {
        if (pass.interrupt->check()) return;
        for_phases([&]<int kReversed>() {
          constexpr int kPhase = kLayout.num_phases - 1 - kReversed;
          const Step current = step_of(group, t);
          pass.team->run(
              [&](int k, int count) {
                const Range units = units_of_share(k, count);
                if (unfinished >= 0) products_backward(step, unfinished, units);
                phase_backward<kPhase>(pass, current, units);
              },
              shares);
          step = current;
          unfinished = kPhase;
        });
      });
      if (pass.interrupt->requested()) return;
      const bool accumulate = !std::exchange(first, false);
      const Range rows = rows_of(group, chunk);
      pass.team->run([&](int k, int count) { products_backward(step, unfinished, units_of_share(k, count)); }, shares);
      pass.team->run(
          [&](int k, int count) {
            const Range units = units_of_share(k, count), some = share(rows.size(), k, count, 16);
            weight_gradients(rows, units, gradients_[0].data(), accumulate);
            if (some.size() > 0) input_gradients({rows.begin + some.begin, rows.begin + some.end});
          },
          shares);
    });
  }

  template <int kPhase>
  void phase_backward(Pass<T>& pass, const Step& step, Range units) {
    const T* output_gradient = this->value.has_gradient ? this->value.gradient.data() : nullptr;
    if (kPhase == kLayout.num_phases - 1 && this->records_gradients) record_gradients(step, units, output_gradient);
    if (kPhase == kLayout.num_phases - 1 && !state_nodes_.updates.empty()) updates_backward(pass, step, units, output_gradient);
    if (state_nodes_.update(0)) output_gradient = nullptr;  // then it is in that of the state
    for (long i = 0; i < step.rows; ++i)
      for (long u = units.begin; u < units.end; ++u) {
        const long sequence = step.sequence + i, row = step.row + i;
        const long at = row * hidden_stride + u * W, state_at = sequence * hidden_stride + u * W;
        BackwardStep<T> one;
        one.columns = columns_.data() + row * weights_.stride + u * kColumns * W;
        for (int s = 0; s < kStates; ++s) {
          one.previous_states[s] = previous_[s].data() + at;
          one.gradients[s] = this->state_gradients[s].data() + state_at;
        }
        one.output_gradient = output_gradient ? output_gradient + at : nullptr;
        one.kept_vector = kept_.data() + (kLayout.keeps_vector ? at : 0);
        one.kept_vector_gradient = kept_gradient_.data() + (kLayout.keeps_vector ? state_at : 0);
        one.held_gradients = held_.data() + (kLayout.num_held ? state_at : 0);
        one.held_stride = pass.batch.num_sequences * hidden_stride;
        one.diagonal = weights_.diagonal() + (kLayout.num_diagonals ? u * W : 0);
        one.diagonal_stride = weights_.units * W;
        one.masked = is_masked(pass, row);
        Cell::template backward<kPhase>(one);
      }
  }

  [[gnu::noinline, gnu::cold]] void record_gradients(const Step& step, Range units, const T* output_gradient) {
    for (int s = 0; s < kStates; ++s)
      for (long i = 0; i < step.rows; ++i)
        for (long u = units.begin * W; u < units.end * W; u += W) {
          const long at = (step.row + i) * hidden_stride + u;
          Vec<T> g = load<T>(this->state_gradients[s].data() + (step.sequence + i) * hidden_stride + u);
          if (s == 0 && output_gradient) g += load<T>(output_gradient + at);
          store(this->recorded_gradients[s].data() + at, g);
        }
  }

  // The gradients of states, to what the equations gave, p, and what passes them by to the states before.
  [[gnu::noinline]] void updates_backward(const Pass<T>& pass, const Step& step, Range units, const T* output_gradient) {
    for (int s = 0; s < kStates; ++s) {
      Node<T>* update = state_nodes_.update(s);
      if (!update) continue;
      for (long i = 0; i < step.rows; ++i) {
        const long row = step.row + i;
        const bool masked = is_masked(pass, row);
        for (long u = units.begin * W; u < units.end * W; u += W) {
          const long at = row * hidden_stride + u, state_at = (step.sequence + i) * hidden_stride + u;
          T* gradient = this->state_gradients[s].data() + state_at;
          Vec<T> g = load<T>(gradient), p = load<T>(update->value.data.data() + at);
          if (s == 0 && output_gradient) g += load<T>(output_gradient + at);
          if (masked) p = Vec<T>{} + 1;
          if (keeps_moves(s)) {
            T* to = update->value.gradient.data() + at;
            store(to, fma(g, load<T>(moves_[s].data() + at), load<T>(to)));
          }
          store(gradient, p * g);
          store(passed_gradients_[s].data() + state_at, (1 - p) * g);
        }
      }
    }
  }

  // The gradients of columns, through the products of a phase, to what they multiplied; after those of the first phase
  // the states' gradients are those before the step, and go through the multipliers.
  void products_backward(const Step& step, int phase, Range units) {
    for (int p = 0; p < kLayout.num_products; ++p) {
      const RecurrentProduct& one = kLayout.products[p];
      if (one.phase != phase) continue;
      Buffer<T>& target = one.source == kKept ? kept_gradient_ : this->state_gradients[one.source];
      Node<T>* q = multiplier_of(one);
      const Rows<T> out{(q ? operand_gradient_ : target).data() + step.sequence * hidden_stride, hidden_stride};
      transposed_columns_product(step.rows, step.row, weights_.product_transposed(p), hidden_size, one.first, one.count,
                                 panels_of_units(units), {q ? nullptr : out.data, out.stride}, out);
      if (q) multiply_backward(step, units, *q, source(one.source), operand_gradient_.data(), target.data());
    }
    if (phase > 0) return;
    for (int s = 0; s < kStates; ++s) {
      T* gradient = this->state_gradients[s].data();
      if (state_nodes_.update(s))
        for (long i = 0; i < step.rows; ++i)
          for (long u = units.begin * W; u < units.end * W; u += W) {
            const long at = (step.sequence + i) * hidden_stride + u;
            store(gradient + at, load<T>(gradient + at) + load<T>(passed_gradients_[s].data() + at));
          }
    }
    for (int s = 0; s < kStates; ++s)
      if (state_nodes_.multiplier(s)) multiplier_backward(step, units, s);
  }

  // The gradient of a state that a node has multiplied, to the state before it and to the node. Of a decay exp(-max(0, v)) it
  // is that of v, whose derivative is the state as multiplied, but for the sign.
  void multiplier_backward(const Step& step, Range units, int s) {
    Value<T>& value = state_nodes_.multiplier(s)->value;
    const T *factors = value.data.data(), *multiplied = value.is_decay ? previous_[s].data() : incoming(s);
    const auto pass_on = [&](auto&& hand) {
      for (long i = 0; i < step.rows; ++i) {
        const long row = (step.row + i) * hidden_stride;
        T* gradients = this->state_gradients[s].data() + (step.sequence + i) * hidden_stride;
        for (long u = units.begin * W; u < units.end * W; u += W) {
          const Vec<T> g = load<T>(gradients + u), factor = load<T>(factors + row + u);
          hand(row + u, g * load<T>(multiplied + row + u), factor);
          store(gradients + u, g * factor);
        }
      }
    };
    const auto slope = [](Vec<T> g, Vec<T> factor) { return factor < Vec<T>{} + 1 ? -g : Vec<T>{}; };
    T* to = (value.is_decay ? value.exponent_gradient : value.gradient).data();
    if (value.is_decay && !adds_to_exponent_gradient_[s])
      pass_on([&](long at, Vec<T> g, Vec<T> factor) { store(to + at, slope(g, factor)); });
    else if (value.is_decay)
      pass_on([&](long at, Vec<T> g, Vec<T> factor) { store(to + at, load<T>(to + at) + slope(g, factor)); });
    else if (value.needs_gradient)
      pass_on([&](long at, Vec<T> g, Vec<T>) { store(to + at, load<T>(to + at) + g); });
    else
      pass_on([](long, Vec<T>, Vec<T>) {});
  }

  // The gradient of a product by a node, to the node and to what it multiplied.
  void multiply_backward(const Step& step, Range units, Node<T>& by, const T* multiplied, const T* gradient, T* to) const {
    for (long i = 0; i < step.rows; ++i)
      for (long u = units.begin * W; u < units.end * W; u += W) {
        const long at = (step.row + i) * hidden_stride + u, state_at = (step.sequence + i) * hidden_stride + u;
        const Vec<T> g = load<T>(gradient + state_at);
        if (by.value.needs_gradient) {
          T* sums = by.value.gradient.data() + at;
          store(sums, fma(g, load<T>(multiplied + at), load<T>(sums)));
        }
        store(to + state_at, fma(g, load<T>(by.value.data.data() + at), load<T>(to + state_at)));
      }
  }

  // out[r] = initial[r] + gradients of columns [first, first + count) times the transposed block, in some of its panels.
  void transposed_columns_product(long rows, long row, const T* packed, long size, int first, int count, Range panels,
                                  Rows<const T> initial, Rows<T> out) {
    const long lanes = lanes_of<T>(hidden_size);
    const Segments summed = lanes < W           ? Segments{lanes, count, W}
                            : count == kColumns ? Segments{weights_.units * count * W}
                                                : Segments{count * W, weights_.units, kColumns * W};
    const Rows<T> g = columns().at(row, first * W);
    product<T>(rows, {g.data, g.stride}, summed, packed, plain_panels<T>(size), panels, initial, out);
  }

  void input_gradients(Range rows) {
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      Value<T>& x = sources_[s]->value;
      if (!x.needs_gradient) continue;
      const Rows<T> out = Rows<T>{x.gradient.data(), x.stride}.at(rows.begin);
      const Rows<const T> initial{adds_to_input_gradient_[s] ? out.data : nullptr, out.stride};
      transposed_columns_product(rows.size(), rows.begin, weights_.input_transposed(s), x.gradient_size, kLayout.input_first,
                                 kLayout.input_count, {0, plain_panels<T>(x.gradient_size).count}, initial, out);
    }
  }

  void weight_gradients(Range rows, Range units, T* gradients, bool accumulate) {
    const Rows<T> g = columns().at(rows.begin);
    const auto weights = [&](Rows<const T> a, long size, int first, int count, T* out) {
      const long at = (units.begin * kColumns + first) * W;
      const Rows<T> columns = g.at(0, at);
      transposed_product<T>(rows.size(), {0, size}, a.at(rows.begin), {columns.data, columns.stride},
                            {units.size(), count, count, kColumns * W}, {out + at, weights_.stride}, accumulate);
    };
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Value<T>& x = sources_[s]->value;
      weights(x.read(), x.size, kLayout.input_first, kLayout.input_count, weights_.input_gradient(gradients, s));
    }
    for (int p = 0; p < kLayout.num_products; ++p) {
      const RecurrentProduct& one = kLayout.products[p];
      weights({operand(one), hidden_stride}, hidden_size, one.first, one.count, weights_.product_gradient(gradients, p));
    }
    column_sums<T>(rows.size(), units.begin * kColumns * W, units.end * kColumns * W, {g.data, g.stride},
                   weights_.bias_gradient(gradients), accumulate);
    if constexpr (kLayout.num_diagonals > 0) {
      const auto out = [&](int d, long u) { return weights_.diagonal_gradient(gradients, d) + u * W; };
      for (long u = units.begin; u < units.end; ++u) {
        Vec<T> sums[kLayout.num_diagonals];  // one pass over the rows for all of them
        for (int d = 0; d < kLayout.num_diagonals; ++d) sums[d] = accumulate ? load<T>(out(d, u)) : Vec<T>{};
        for (long r = 0; r < rows.size(); ++r)
          for (int d = 0; d < kLayout.num_diagonals; ++d) {
            const Diagonal& diagonal = kLayout.diagonals[d];
            sums[d] = fma(load<T>(source(diagonal.source) + (rows.begin + r) * hidden_stride + u * W),
                          load<T>(g.at(r, (u * kColumns + diagonal.column) * W).data), sums[d]);
          }
        for (int d = 0; d < kLayout.num_diagonals; ++d) store(out(d, u), sums[d]);
      }
    }
  }

  Sources<T> sources_;
  StateNodes<T> state_nodes_;
  bool reverse_;
  RecurrentWeights<T, Cell> weights_;
  const long bytes_for_weights_ = second_level_bytes() * 5 / 8;  // the rest is for rows
  std::vector<long> columns_begin_;  // of each group, the first row of its columns
  Buffer<T> columns_, kept_, kept_gradient_, held_;
  Buffer<T> operands_, kept_operands_, operand_gradient_;
  std::array<Buffer<T>, kMaxStates> previous_, unmultiplied_, moves_, passed_gradients_;
  std::array<bool, kMaxStates> adds_to_exponent_gradient_{};  // of its multiplier, to what another state or layer has written
  std::vector<char> adds_to_input_gradient_;  // for each source, whether another reader has written it
  std::vector<Buffer<T>> gradients_;          // for each group
  std::vector<const T*> of_groups_;           // those of the present batch
};

}  // namespace tidegate
