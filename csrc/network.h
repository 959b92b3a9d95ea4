// A network: passes over batches of a plan's nodes, and whole epochs.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "layers/optimizer.h"
#include "layers/weight_noise.h"
#include "openmp.h"
#include "plan.h"
#include "windows.h"

namespace tidegate {

// Each sequence's first row and length in the inputs of one stream.
struct Stream {
  const std::int64_t* starts = nullptr;
  const std::int64_t* lengths = nullptr;
};

// Sequences in the caller's memory: an array of values for each input, and the streams that they are of.
template <class T>
struct Data {
  std::vector<const T*> inputs;
  std::vector<SparseRows<T>> sparse_inputs;
  std::vector<Stream> streams;
  const std::uint8_t* mask = nullptr;  // (rows,) 0: a masked step; null: none; of the first stream, for forward() and differentiate()
};

// How a batch goes through time in training; all of it at once where neither is set.
struct ThroughTime {
  long bptt_steps = 0;     // truncated back-propagation with carried states (Williams & Peng 1990): steps of a window
  bool recompute = false;  // in windows of recomputed_steps
  // Steps of a window for sequences of up to `longest`; 0: no windows.
  long window(long longest) const { return recompute ? recomputed_steps(longest) : bptt_steps; }
};

enum class Ending { kComplete, kInterrupted, kDiverged };

// How far an epoch has come.
template <class T>
struct EpochPosition {
  long update = 0;                  // updates made
  std::vector<LossSums> sums = {};  // of each loss, over their batches
  std::vector<T> states = {};       // that a batch under way carries into its next window; of none: empty
};

template <class T>
struct EpochResult {
  EpochPosition<T> position;
  Ending ending = Ending::kComplete;
};

template <class T>
class Network : public Plan<T> {
  using Plan<T>::nodes_, Plan<T>::inputs_, Plan<T>::sparse_inputs_, Plan<T>::embeddings_, Plan<T>::losses_, Plan<T>::recurrent_;

 public:
  using Plan<T>::node, Plan<T>::recurrent;

  Network(long num_parameters, int num_threads) : Plan<T>(num_parameters), num_threads_(num_threads) {
    constexpr long kPad = 16;  // whole vectors of every instruction set
    padded_parameters_ = (num_parameters + kPad - 1) / kPad * kPad;
    for (Buffer<T>* buffer : {&parameters_, &gradients_, &first_, &second_}) buffer->zero(padded_parameters_);
  }

  // ---- what it holds ----

  T* parameters() { return parameters_.data(); }
  T* gradients() { return gradients_.data(); }
  T* first_moment() { return first_.data(); }
  T* second_moment() { return second_.data(); }
  EpochPosition<T> reached;          // by the last call of epoch(), also where it was interrupted
  std::atomic<long> num_updates{0};  // of the optimiser, so far; other threads may read it

  const Batch& batch(long stream = 0) const { return passes_[stream].batch; }
  // ---- one batch, step by step: set_batch, then forward, then backward ----

  // window: the steps of one, where it is passed in windows; 0: of whole sequences.
  void set_batch(const std::vector<Stream>& streams, const std::int64_t* order, long count, long window = 0) {
    passes_.resize(static_cast<std::size_t>(this->num_streams()));
    for (std::size_t s = 0; s < passes_.size(); ++s) {
      passes_[s].batch.set(streams[s].starts, streams[s].lengths, order, count, num_groups(count),
                           window ? window : std::numeric_limits<long>::max());
      if (s) passes_[s].batch.follow(passes_[0].batch);
    }
    for (RecurrentNode<T>* layer : recurrent_) layer->has_initial = layer->has_final_gradient = layer->records_gradients = false;
    for (auto& one : nodes_) one->value.has_gradient = one->value.has_exponent_gradient = false;
  }

  // backward: one follows. training: what is dropped is drawn from seed.
  void forward(const Data<T>& data, bool backward, bool training, std::uint64_t seed, Interrupt& interrupt) {
    const FlushDenormals mode;
    attach(data);
    Team team(gather_threads(1));
    pack(backward, team);
    if (data.mask) passes_[0].gather_mask(data.mask);
    begin_pass(team, interrupt, {.keeps = true, .training = training, .seed = seed});
    run_forward();
  }

  // Uses the gradients that stand in the nodes' values and final states.
  void backward(Interrupt& interrupt) {
    const FlushDenormals mode;
    Team team(gather_threads(2));
    for (Pass<T>& pass : passes_) {
      pass.team = &team;
      pass.interrupt = &interrupt;
    }
    run_backward();
  }

  // Both at once, in windows of `steps`: arrive() before each window's way back may add to the gradients of values per
  // step, leave() after it may read them. `data`, masks and targets are read until it returns.
  template <class Arrive, class Leave>
  void differentiate(const Data<T>& data, long steps, std::uint64_t seed, Interrupt& interrupt, Arrive&& arrive, Leave&& leave) {
    const FlushDenormals mode;
    attach(data);
    Team team(gather_threads(4));
    pack(true, team);
    begin_pass(team, interrupt, {.keeps = true, .training = true, .seed = seed});
    windows_.cut(steps, data.mask);
    windows_.forward(true, [] {});
    run_backward(false, arrive, leave);
  }

  // ---- many batches ----

  // One pass over `order` in batches, with an update of the parameters after each; or after each window of bptt_steps of
  // it, where every loss is per step. From `position` on and at most `max_updates` of them, which changes no bit of the
  // whole. An interrupted or non-finite update is not made: the parameters are those of the last complete one. weight_noise:
  // standard deviation of what is added to the weights that an update's gradient is taken at; 0: none.
  EpochResult<T> epoch(const Data<T>& data, const std::vector<Target<T>>& targets, const std::int64_t* order, long count,
                       long batch_size, const ThroughTime& through_time, const double* learning_rates,
                       const OptimizerSettings& settings, double weight_noise, std::uint64_t seed,
                       const EpochPosition<T>& position, long max_updates, Interrupt& interrupt) {
    const FlushDenormals mode;
    attach(data);
    std::optional<Team> of_epoch;  // as its first batch wants it
    EpochResult<T> result{position, Ending::kComplete};
    result.position.sums.resize(losses_.size());
    long& update = result.position.update;
    std::vector<T>& carried = result.position.states;
    const bool by_window = updates_by_window(through_time);
    const long num_updates_of_epoch = num_updates_in(data, order, count, batch_size, through_time);
    const long end = max_updates < num_updates_of_epoch - update ? update + max_updates : num_updates_of_epoch;
    set_targets(targets);
    beside_tables_ = this->beside_tables(padded_parameters_);
    try {
      long first_update = 0;  // of the batch
      for (long at = 0; at < count && update < end; at += batch_size) {
        const long of_batch = std::min(batch_size, count - at);
        const long updates = by_window ? num_updates_in(data, order + at, of_batch, batch_size, through_time) : 1;
        const long first_window = update - first_update;
        first_update += updates;
        if (first_window >= updates) continue;
        const long steps = through_time.window(longest_of(data, order + at, of_batch));
        set_batch(data.streams, order + at, of_batch, steps);
        if (!of_epoch) of_epoch.emplace(gather_threads(3.0 * static_cast<double>(end - update)));
        Team& team = *of_epoch;
        if (steps) windows_.cut(steps, nullptr);
        if (first_window > 0) windows_.set_states(carried);
        for (long window = first_window; window < updates && update < end; ++window) {
          interrupt.check();
          interrupt.throw_if_requested();
          const std::uint64_t seed_of_update = mix(seed) + static_cast<std::uint64_t>(update);
          if (weight_noise > 0) pack_noisy(weight_noise, seed_of_update, team);
          else pack(true, team);
          begin_pass(team, interrupt, {.keeps = true, .training = true, .seed = seed_of_update});
          if (by_window) windows_.enter(window);
          if (by_window || !steps) {
            run_forward();
            run_backward();
          } else {
            windows_.forward(true, [] {});
            run_backward(!through_time.recompute, [] {}, [] {});
          }
          const std::vector<Range>& changed = with_gradient();
          const double norm = clip_gradients(settings, gradients_.data(), changed);
          if (!std::isfinite(total_loss()) || !std::isfinite(norm)) {
            result.ending = Ending::kDiverged;
            return result;
          }
          const long step = num_updates.load(std::memory_order_relaxed) + 1;
          update_parameters(settings, learning_rates[update], step, changed,
                            std::array{parameters_.data(), gradients_.data(), first_.data(), second_.data()});
          num_updates.store(step, std::memory_order_relaxed);
          for (std::size_t l = 0; l < losses_.size(); ++l) result.position.sums[l] += losses_[l]->sums;
          ++update;
          carried.clear();
          if (window + 1 < updates) windows_.append_states(carried);
        }
      }
    } catch (const Interrupted&) {
      result.ending = Ending::kInterrupted;
    }
    return result;
  }

  // Updates that an epoch makes.
  long num_updates_in(const Data<T>& data, const std::int64_t* order, long count, long batch_size,
                      const ThroughTime& through_time) const {
    if (!updates_by_window(through_time)) return count / batch_size + (count % batch_size != 0);
    long updates = 0;
    for (long at = 0; at < count; at += batch_size)
      updates += Windows<T>::count_of(longest_of(data, order + at, std::min(batch_size, count - at)), through_time.bptt_steps);
    return updates;
  }

  // Forward passes over `order` in batches, in windows of `steps`, of 0 at once. visit_steps(team) is called where values
  // per step stand, after each window; visit_batch(team) where those per sequence and the losses do.
  template <class VisitSteps, class VisitBatch>
  void for_batches(const Data<T>& data, const std::int64_t* order, long count, long batch_size, long steps,
                   Interrupt& interrupt, VisitSteps&& visit_steps, VisitBatch&& visit_batch) {
    const FlushDenormals mode;
    attach(data);
    std::optional<Team> of_batches;  // as the first wants it
    for (long at = 0; at < count; at += batch_size) {
      set_batch(data.streams, order + at, std::min(batch_size, count - at), steps);
      if (!of_batches) pack(false, of_batches.emplace(gather_threads(static_cast<double>((count - at + batch_size - 1) / batch_size))));
      Team& team = *of_batches;
      begin_pass(team, interrupt, {});
      if (steps) {
        windows_.cut(steps, nullptr);
        windows_.forward(false, [&] { visit_steps(team); });
      } else {
        run_forward();
        visit_steps(team);
      }
      visit_batch(team);
    }
  }

  // ---- one step of each of some sequences at a time ----

  void begin_steps(long count) {
    const FlushDenormals mode;
    Team team(1);
    pack(false, team);
    set_pieces(count, 1);
    for (RecurrentNode<T>* layer : recurrent_)
      for (long s = 0; s < layer->num_states; ++s) layer->states[s].zero(count * layer->hidden_stride);
    set_targets({});
  }

  // x (count, columns of the one input); out (count, columns of the node). The weights are those of begin_steps.
  void step(const T* x, long number, T* out, Interrupt& interrupt) {
    const FlushDenormals mode;
    Team team(1);
    inputs_[0]->data = x;
    passes_[0].mask = nullptr;
    begin_pass(team, interrupt, {});
    run_forward();
    scatter(number, out, team);
  }

  // Several steps of each: x (count, steps, columns of the one input); out (count, steps, columns of the node), or (count,
  // columns) of a node per sequence. Interrupted, the states are those before it.
  void piece(const T* x, long steps, long number, T* out, Interrupt& interrupt) {
    const FlushDenormals mode;
    const long count = batch().num_sequences;
    const bool per_step = node(number)->value.per_step;
    std::vector<T> before;
    windows_.append_states(before);
    const long window = recomputed_steps(steps);
    set_pieces(count, steps, window);
    Team team(gather_threads(1));
    inputs_[0]->data = x;
    passes_[0].mask = nullptr;
    begin_pass(team, interrupt, {});
    windows_.cut(window, nullptr);
    try {
      windows_.forward(false, [&] { if (per_step) scatter(number, out, team); });
    } catch (const Interrupted&) {
      windows_.set_states(before);
      set_pieces(count, 1);
      throw;
    }
    if (!per_step) scatter(number, out, team);
    set_pieces(count, 1);
  }

  // Copies the rows of a node's value to their places in the data's order.
  void scatter(long number, T* out, Team& team) const {
    const Value<T>& value = node(number)->value;
    scatter_rows(value, value.data.data(), out, team);
  }
  void scatter(long number, T* out) const {
    const Value<T>& value = node(number)->value;
    scatter_rows(value, value.data.data(), out);
  }
  void scatter_gradient(long number, T* out) const { scatter_gradient(node(number)->value, out); }
  void scatter_gradient(const Value<T>& value, T* out) const {
    scatter_rows(value, value.gradient.data(), out);
  }

  // Of a recurrent node, a row a step in the data's order: a column (0 at masked steps), a state, its gradient.
  void scatter_column(long number, long column, T* out) {
    const RecurrentNode<T>& layer = *recurrent(number);
    const Pass<T>& pass = passes_[layer.value.stream];
    layer.read_column(pass.batch, column, scattered_.resize(pass.batch.num_steps * layer.hidden_stride));
    if (pass.mask)
      for (long row = 0; row < pass.batch.num_steps; ++row)
        if (!pass.mask[row]) std::fill_n(scattered_.data() + row * layer.hidden_stride, layer.hidden_stride, T(0));
    scatter_rows(layer.value, scattered_.data(), out);
  }
  void scatter_state(long number, long state, T* out) {
    const RecurrentNode<T>& layer = *recurrent(number);
    const Batch& batch = this->batch(layer.value.stream);
    layer.read_state(batch, state, scattered_.resize(batch.num_steps * layer.hidden_stride));
    scatter_rows(layer.value, scattered_.data(), out);
  }
  void scatter_state_gradient(long number, long state, T* out) const {
    const RecurrentNode<T>& layer = *recurrent(number);
    scatter_rows(layer.value, layer.recorded_gradients[state].data(), out);
  }
  void record_gradients(bool on) {
    for (RecurrentNode<T>* layer : recurrent_) layer->records_gradients = on;
  }

  // Sets the gradient of a node's value from rows in the data's order.
  void gather_gradient(long number, const T* from) {
    Value<T>& value = node(number)->value;
    const Batch& batch = this->batch(value.stream);
    const Rows<T> to = value.accumulated_gradient(batch);
    Team team(copying_team(value));
    team.run([&](int k, int count) {
      for_value_rows(value, share(value.rows(batch), k, count),
                     [&](long row, long at) { std::copy_n(from + at * value.size, value.size, to.at(row).data); });
    });
  }

  // Of each loss, in the order of the plan.
  std::vector<LossSums> loss_sums() const {
    std::vector<LossSums> sums;
    for (const LossNode<T>* loss : losses_) sums.push_back(loss->sums);
    return sums;
  }
  double total_loss() const {
    double total = 0;
    for (const LossNode<T>* loss : losses_) total += loss->sums.loss;
    return total;
  }

  // One for each loss of the plan, in its order; none: the losses are not computed.
  void set_targets(const std::vector<Target<T>>& targets) {
    for (LossNode<T>* loss : losses_) loss->target = {};
    for (std::size_t l = 0; l < targets.size(); ++l) losses_[l]->target = targets[l];
  }

 private:
  // A batch of `count` sequences of `steps` each, one after the other in the data, that go on from the states that stand.
  void set_pieces(long count, long steps, long window = 0) {
    std::vector<std::int64_t> numbers(count), starts(count);
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    for (long i = 0; i < count; ++i) starts[i] = i * steps;
    const std::vector<std::int64_t> lengths(count, steps);
    set_batch({{starts.data(), lengths.data()}}, numbers.data(), count, window);
    for (RecurrentNode<T>* layer : recurrent_) layer->has_initial = true;
  }

  // As many threads as the nodes gain from in the present batch, one where none does, for a call with the work of
  // `passes` forward passes over it. Before a long one the idle threads of other libraries leave the cores.
  int gather_threads(double passes) const {
    constexpr double kLong = 1e8;  // operations, some 0.5 ms
    double operations = 0;
    for (const auto& one : nodes_) operations += one->operations_to_share(batch(one->pass_stream()));
    if (operations == 0) return 1;
    if (num_threads_ > 1 && passes * operations > kLong) end_idle_openmp_threads();
    return num_threads_;
  }

  static long longest_of(const Data<T>& data, const std::int64_t* order, long count) {
    std::int64_t longest = 0;
    for (long i = 0; i < count; ++i) longest = std::max(longest, data.streams[0].lengths[order[i]]);
    return longest;
  }

  // Whether each window has an update of its own; else the batch has one.
  bool updates_by_window(const ThroughTime& through_time) const {
    return through_time.bptt_steps &&
           std::all_of(losses_.begin(), losses_.end(), [](const LossNode<T>* loss) { return loss->value.per_step; });
  }

  void attach(const Data<T>& data) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i]->data = data.inputs[i];
    for (std::size_t i = 0; i < sparse_inputs_.size(); ++i) sparse_inputs_[i]->data = data.sparse_inputs[i];
    passes_[0].mask = nullptr;
  }

  void pack(bool backward, Team& team) {
    for (auto& one : nodes_) one->pack(parameters_.data(), backward, team);
  }

  // All but tables, of which an update touches the rows that it reads.
  void pack_noisy(double deviation, std::uint64_t seed, Team& team) {
    T* noisy = noisy_.resize(this->num_parameters());
    add_weight_noise(parameters_.data(), this->beside_tables(this->num_parameters()), deviation, seed, noisy, team);
    for (auto& one : nodes_) one->pack(noisy, true, team);
    for (EmbeddingNode<T>* one : embeddings_) one->pack(parameters_.data(), true, team);
  }

  // One where a layer's weights exceed a core's second-level cache, so that each is read once for all sequences.
  long num_groups(long count) const {
    constexpr long kSecondLevelBytes = 1500000;
    for (const RecurrentNode<T>* layer : recurrent_)
      if (layer->bytes_of_products() > kSecondLevelBytes) return 1;
    return most_groups(count);
  }

  void begin_pass(Team& team, Interrupt& interrupt, const PassKind& kind) {
    batches_.clear();
    for (const Pass<T>& pass : passes_) batches_.push_back(&pass.batch);
    for (Pass<T>& pass : passes_) {
      static_cast<PassKind&>(pass) = kind;
      pass.team = &team;
      pass.interrupt = &interrupt;
      pass.gradients = gradients_.data();
      pass.streams = &batches_;
    }
  }

  void run_forward() {
    for (auto& one : nodes_) one->forward(passes_[one->pass_stream()]);
  }

  void run_backward() {
    forget_rows();
    for (auto one = nodes_.rbegin(); one != nodes_.rend(); ++one) (*one)->backward(passes_[(*one)->pass_stream()]);
  }

  template <class Arrive, class Leave>
  void run_backward(bool truncated, Arrive&& arrive, Leave&& leave) {  // in windows
    forget_rows();
    windows_.backward(padded_parameters_, this->beside_tables(padded_parameters_), truncated, arrive, leave);
  }

  void forget_rows() {
    for (EmbeddingNode<T>* one : embeddings_) one->forget_rows(gradients_.data());
  }

  // Parameters whose gradient the way back wrote: those of a table's rows that it did not read are zero.
  const std::vector<Range>& with_gradient() {
    with_gradient_ = beside_tables_;
    for (const EmbeddingNode<T>* one : embeddings_) {
      const std::vector<Range>& read = one->rows_read();
      with_gradient_.insert(with_gradient_.end(), read.begin(), read.end());
    }
    return with_gradient_;
  }

  // Calls visit(row, its place in the data) for some of a value's rows.
  template <class Visit>
  void for_value_rows(const Value<T>& value, Range rows, Visit&& visit) const {
    const Batch& batch = this->batch(value.stream);
    if (value.per_step)
      batch.for_rows(rows.begin, rows.end, [&](long row, long b, long t) { visit(row, batch.start[b] + t); });
    else
      for (long b = rows.begin; b < rows.end; ++b) visit(b, batch.sequence[b]);
  }

  // All threads where there is more to copy than a first-level cache holds.
  int copying_team(const Value<T>& value) const { return value.rows(batch(value.stream)) * value.stride < 50000 ? 1 : num_threads_; }

  void scatter_rows(const Value<T>& value, const T* from, T* out, Team& team) const {
    team.run([&](int k, int count) {
      const Range some = share(value.rows(batch(value.stream)), k, count);
      for_value_rows(value, some, [&](long row, long at) { std::copy_n(from + row * value.stride, value.size, out + at * value.size); });
    });
  }
  void scatter_rows(const Value<T>& value, const T* from, T* out) const {
    Team team(copying_team(value));
    scatter_rows(value, from, out, team);
  }

  long padded_parameters_;
  int num_threads_;
  Buffer<T> parameters_, gradients_, first_, second_, noisy_, scattered_;
  std::vector<Pass<T>> passes_ = std::vector<Pass<T>>(1);  // of each stream
  std::vector<const Batch*> batches_;
  std::vector<Range> beside_tables_, with_gradient_;  // of the epoch, and of an update
  Windows<T> windows_{nodes_, recurrent_, losses_, passes_};
};

}  // namespace tidegate
