// What the engine's calls from Python have in common: arrays with dtype, rank and order in their type, errors that name
// the argument, and a network with the checks of what the core itself takes on trust, which are made here and nowhere
// further in.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <sstream>

#include "network.h"

namespace tidegate {

namespace nb = nanobind;

template <class T, int kDims>
using In = nb::ndarray<const T, nb::ndim<kDims>, nb::c_contig, nb::device::cpu>;
template <class T, int kDims>
using Array = nb::ndarray<nb::numpy, T, nb::ndim<kDims>, nb::c_contig>;
using Indices = In<std::int64_t, 1>;

// Cancels an epoch that runs in another thread.
struct Stop {
  std::atomic<bool> requested{false};
};

// A ValueError whose message is the parts one after the other.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (condition) return;
  std::ostringstream message;
  (message << ... << parts);
  throw std::invalid_argument(message.str());
}

template <class A>
std::string shape_of(const A& array) {
  std::string shape = "(";
  for (std::size_t i = 0; i < array.ndim(); ++i) shape += (i ? ", " : "") + std::to_string(array.shape(i));
  return shape + ")";
}

// A pending signal whose handler raised stays as Python's error of this thread until the call returns.
inline Interrupt interruptible(const Stop* stop) {
  return Interrupt(stop ? &stop->requested : nullptr, [] {
    nb::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
  });
}

// Loss, score and weight of each loss.
using SumTuples = std::vector<std::tuple<double, double, double>>;

inline SumTuples as_tuples(const std::vector<LossSums>& sums) {
  SumTuples tuples;
  for (const LossSums& one : sums) tuples.emplace_back(one.loss, one.score, one.weight);
  return tuples;
}

inline void raise_interruption() {
  if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw nb::python_error();
}

// Runs without the interpreter lock; a signal or a Stop becomes a Python exception.
template <class Work>
void run_released(const Stop* stop, Work&& work) {
  bool interrupted = false;
  {
    nb::gil_scoped_release release;
    Interrupt interrupt = interruptible(stop);
    try {
      work(interrupt);
    } catch (const Interrupted&) {
      interrupted = true;
    }
  }
  if (interrupted) raise_interruption();
}

// Zero, or left for the caller to write wholly.
template <class T, class... Sizes>
Array<T, sizeof...(Sizes)> new_array(bool zero, Sizes... sizes) {
  const std::size_t count = (static_cast<std::size_t>(sizes) * ...);
  T* data = new T[std::max<std::size_t>(count, 1)];
  if (zero) std::fill_n(data, count, T(0));
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return Array<T, sizeof...(Sizes)>(data, {static_cast<std::size_t>(sizes)...}, owner);
}

// States of one layer, (states, sequences, H), between the caller's order and the batch's.
template <class T>
void read_states(const RecurrentNode<T>& layer, const Batch& batch, const char* argument, const In<T, 3>& from,
                 std::array<Buffer<T>, kMaxStates>& to) {
  require(static_cast<long>(from.shape(0)) == layer.num_states && static_cast<long>(from.shape(1)) == batch.num_sequences &&
              static_cast<long>(from.shape(2)) == layer.hidden_size,
          argument, " expects states of shape (", layer.num_states, ", ", batch.num_sequences, ", ", layer.hidden_size, "); got ",
          shape_of(from), ": pass (states, sequences, hidden_size)");
  for (long s = 0; s < layer.num_states; ++s) {
    T* rows = to[s].zero(batch.num_sequences * layer.hidden_stride);
    for (long b = 0; b < batch.num_sequences; ++b)
      std::copy_n(from.data() + (s * batch.num_sequences + batch.sequence[b]) * layer.hidden_size, layer.hidden_size,
                  rows + b * layer.hidden_stride);
  }
}

// Updates made, sums of loss, score and weight, and the carried states, none where the array has no number.
template <class T>
using PositionTuple = std::tuple<long, SumTuples, In<T, 1>>;

template <class T>
std::tuple<long, SumTuples, Array<T, 1>> as_tuple(const EpochPosition<T>& position) {
  Array<T, 1> states = new_array<T>(false, position.states.size());
  std::copy(position.states.begin(), position.states.end(), states.data());
  return {position.update, as_tuples(position.sums), states};
}

template <class T>
Array<T, 3> new_states(const RecurrentNode<T>& layer, const Batch& batch, const std::array<Buffer<T>, kMaxStates>& from) {
  Array<T, 3> to = new_array<T>(false, layer.num_states, batch.num_sequences, layer.hidden_size);
  for (long s = 0; s < layer.num_states; ++s)
    for (long b = 0; b < batch.num_sequences; ++b)
      std::copy_n(from[s].data() + b * layer.hidden_stride, layer.hidden_size,
                  to.data() + (s * batch.num_sequences + batch.sequence[b]) * layer.hidden_size);
  return to;
}

template <class Choice>
Choice choose(const std::string& name, std::initializer_list<std::pair<const char*, Choice>> options) {
  for (const auto& [option, value] : options)
    if (name == option) return value;
  throw std::invalid_argument("the engine has no " + name);
}

// Sequences in the caller's arrays; the first stream beside the others.
template <class T>
struct Steps {
  using Sparse = std::tuple<Indices, In<std::int32_t, 1>, std::optional<In<T, 1>>>;  // offsets, columns, values
  std::vector<In<T, 2>> inputs;
  Indices starts, lengths;
  std::vector<Sparse> sparse;
  std::vector<std::pair<Indices, Indices>> others;  // starts and lengths

  std::size_t num_sequences() const { return lengths.shape(0); }
  const Indices& starts_of(long stream) const { return stream ? others[stream - 1].first : starts; }
  const Indices& lengths_of(long stream) const { return stream ? others[stream - 1].second : lengths; }
};

// Values, classes and weights of a loss.
template <class T>
using TargetArrays = std::tuple<std::optional<In<T, 2>>, std::optional<In<std::int32_t, 1>>, std::optional<In<T, 1>>>;

// A network and the arrays it reads, kept alive for the length of one call.
template <class T>
class Bound : public Network<T> {
 public:
  using Network<T>::Network;
  using Mask = std::optional<In<std::uint8_t, 1>>;

  // What is there to be read: of the last pass nothing, its states, its values, or its gradients too.
  enum class Kept { kNothing, kStates, kValues, kValuesToDifferentiate, kGradients };
  Kept kept = Kept::kNothing;
  // Of the data of one stream: how many rows, and whether one of them belongs to several sequences.
  struct StreamRows {
    std::size_t count = 0;
    bool overlap = false;
  };
  std::vector<StreamRows> rows_of_pass;
  std::optional<Steps<T>> steps_of_pass;  // kept alive: backward reads sparse rows where they lie
  bool in_windows = false;                // of that pass no step is kept
  std::vector<Array<T, 2>> input_gradients;  // then, for each input
  Array<T, 2> step_input, step_output;  // of the steps that begin_steps began
  long step_node = 0;

  // One call at a time: another one meanwhile, from another thread or from a signal's handler, is refused.
  class Use {
   public:
    explicit Use(Bound& n) : n_(n) {
      if (n_.in_use_.exchange(true, std::memory_order_acquire))
        throw std::runtime_error("the engine is at work in another thread: give each thread an engine of its own");
    }
    ~Use() { n_.in_use_.store(false, std::memory_order_release); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    Bound& n_;
  };

  Data<T> data_of(const Steps<T>& steps, const Mask& mask) const {
    const std::size_t expected = this->inputs().size(), num_sequences = steps.num_sequences();
    require(expected + this->sparse_inputs().size() >= 1, "nodes expects an Input; the network has none: add one");
    require(steps.inputs.size() == expected, "inputs expects one array for each of the ", expected, " inputs of the network; got ", steps.inputs.size());
    require(steps.sparse.size() == this->sparse_inputs().size(), "sparse expects rows for each of the ", this->sparse_inputs().size(),
            " sparse inputs of the network; got ", steps.sparse.size());
    require(static_cast<long>(steps.others.size()) == this->num_streams() - 1, "others expects starts and lengths of each of the ",
            this->num_streams() - 1, " other streams; got ", steps.others.size());
    std::vector<std::size_t> rows_of_stream = rows_of(steps);
    Data<T> data;
    for (std::size_t i = 0; i < steps.inputs.size(); ++i) {
      const Value<T>& value = this->inputs()[i]->value;
      const std::size_t rows = value.per_step ? rows_of_stream[value.stream] : num_sequences;
      require(static_cast<long>(steps.inputs[i].shape(1)) == value.size, "inputs[", i, "] expects ", value.size, " columns; got ", steps.inputs[i].shape(1));
      require(steps.inputs[i].shape(0) == rows, "inputs[", i, "] expects ", rows, value.per_step ? " rows as inputs[0] has; got " : " rows, one a sequence; got ", steps.inputs[i].shape(0));
      data.inputs.push_back(steps.inputs[i].data());
    }
    for (std::size_t i = 0; i < steps.sparse.size(); ++i) {
      const Value<T>& value = this->sparse_inputs()[i]->value;
      data.sparse_inputs.push_back(rows_of_sparse(i, steps.sparse[i], value, value.per_step ? rows_of_stream[value.stream] : num_sequences));
    }
    require(!mask || mask->shape(0) == rows_of_stream[0], "mask expects one entry for each of the ", rows_of_stream[0], " rows of inputs; got ", mask ? mask->shape(0) : 0);
    for (long stream = 0; stream < this->num_streams(); ++stream) {
      const Indices &starts = steps.starts_of(stream), &lengths = steps.lengths_of(stream);
      const std::size_t rows = rows_of_stream[stream];
      require(stream == 0 || lengths.shape(0) == num_sequences, "others[", stream - 1, "] expects one length for each of the ", num_sequences, " sequences; got ", lengths.shape(0));
      require(starts.shape(0) == lengths.shape(0), "starts expects one row for each of the ", lengths.shape(0), " lengths; got ", starts.shape(0));
      const std::int64_t end = static_cast<std::int64_t>(rows);
      for (std::size_t i = 0; i < starts.shape(0); ++i) {
        require(lengths(i) >= 0, "lengths[", i, "]=", lengths(i), " is below 0; expected a number of steps");
        require(starts(i) >= 0 && lengths(i) <= end && starts(i) <= end - lengths(i), "starts[", i, "]=", starts(i), " and lengths[", i,
                "]=", lengths(i), " lie outside the values; expected a part of their ", rows, " rows");
      }
      data.streams.push_back({starts.data(), lengths.data()});
    }
    data.mask = mask ? mask->data() : nullptr;
    return data;
  }

  // A batch of all sequences, with its targets and initial states. The arrays are read until the pass is over.
  Data<T> begin_batch(const Steps<T>& steps, const Mask& mask, const std::vector<TargetArrays<T>>& target_arrays,
                      const std::vector<std::pair<long, In<T, 3>>>& initial, long window = 0) {
    const Data<T> data = data_of(steps, mask);
    const auto targets = target_arrays.empty() ? std::vector<Target<T>>{} : targets_of(target_arrays, steps);
    require(steps.num_sequences() >= 1, "lengths expects at least one sequence; got none: pass one");
    std::vector<std::int64_t> order(steps.num_sequences());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    check_order(order.data(), order.size(), steps, static_cast<long>(order.size()));
    kept = Kept::kNothing;
    in_windows = false;
    this->set_targets(targets);
    this->set_batch(data.streams, order.data(), static_cast<long>(order.size()), window);
    for (const auto& [node, states] : initial) {
      RecurrentNode<T>& layer = *this->recurrent(node);
      read_states(layer, this->batch(layer.value.stream), "initial", states, layer.states);
      layer.has_initial = true;
    }
    rows_of_pass = stream_rows(steps);
    steps_of_pass = steps;
    return data;
  }

  void require_output_gradients(const std::vector<std::pair<long, In<T, 2>>>& outputs) const {
    for (const auto& [node, gradient] : outputs) {
      const Value<T>& value = this->node(node)->value;
      const std::size_t rows = value.per_step ? rows_of_pass[value.stream].count : static_cast<std::size_t>(this->batch().num_sequences);
      require(gradient.shape(0) == rows && static_cast<long>(gradient.shape(1)) == value.size, "outputs expects a gradient of shape (",
              rows, ", ", value.size, "); got ", shape_of(gradient));
    }
  }

  void set_final_gradients(const std::vector<std::pair<long, In<T, 3>>>& final_states) {
    for (const auto& [node, gradients] : final_states) {
      RecurrentNode<T>& layer = *this->recurrent(node);
      read_states(layer, this->batch(layer.value.stream), "final_states", gradients, layer.state_gradients);
      layer.has_final_gradient = true;
    }
  }

  void require_windows(const char* argument, bool windows) const {
    require(!windows || !this->any_reverse(), argument, " expects layers in one direction, since the other begins with the last step; ",
            "got reverse=True: pass bidirectional=False, or leave ", argument, " out");
    require(!windows || !this->needs_whole_sequences(), argument, " expects a network whose inputs are all per step and of one length; got ",
            "several streams, or steps that read values per sequence or other steps: leave ", argument, " out");
  }
  void require_window(long window) const {
    require(window >= 0, "window expects at least 1 step; got ", window);
    require_windows("window", window > 0);
  }
  void require_all_steps(const char* call, bool per_step) const {
    require(!in_windows || !per_step, call, " expects a pass that keeps every step; got one in windows: call forward");
  }

  // Rows of the inputs of each stream, by the first of them; 0 where it has none.
  std::vector<std::size_t> rows_of(const Steps<T>& steps) const {
    std::vector<std::size_t> rows(this->num_streams(), 0);
    for (std::size_t i = steps.sparse.size(); i-- > 0;)
      if (const Value<T>& value = this->sparse_inputs()[i]->value; value.per_step) rows[value.stream] = std::max<std::size_t>(std::get<0>(steps.sparse[i]).shape(0), 1) - 1;
    for (std::size_t i = steps.inputs.size(); i-- > 0;)
      if (const Value<T>& value = this->inputs()[i]->value; value.per_step) rows[value.stream] = steps.inputs[i].shape(0);
    return rows;
  }

  static SparseRows<T> rows_of_sparse(std::size_t number, const typename Steps<T>::Sparse& arrays, const Value<T>& value, std::size_t rows) {
    const auto& [offsets, columns, values] = arrays;
    require(offsets.shape(0) == rows + 1, "sparse[", number, "] expects ", rows + 1, " offsets, of ", rows, " rows; got ", offsets.shape(0));
    const std::int64_t count = static_cast<std::int64_t>(columns.shape(0));
    require(offsets(0) == 0 && offsets(rows) == count, "sparse[", number, "] expects offsets from 0 to its ", count, " entries; got ", offsets(0), " to ", offsets(rows));
    for (std::size_t row = 0; row < rows; ++row)
      require(offsets(row) <= offsets(row + 1) && offsets(row + 1) <= count, "sparse[", number, "] expects offsets that rise; got ", offsets(row), " and then ", offsets(row + 1));
    for (std::size_t i = 0; i < columns.shape(0); ++i)
      require(columns(i) >= 0 && columns(i) < value.size, "sparse[", number, "] expects columns from 0 and below ", value.size, "; got ", columns(i));
    require(!values || values->shape(0) == columns.shape(0), "sparse[", number, "] expects a value for each of ", columns.shape(0), " entries; got ", values ? values->shape(0) : 0);
    return {offsets.data(), columns.data(), values ? values->data() : nullptr};
  }

  // Also that no batch has more steps than a buffer can have rows: its size would overflow.
  void check_order(const std::int64_t* order, std::size_t count, const Steps<T>& steps, long batch_size) const {
    for (long stream = 0; stream < this->num_streams(); ++stream) check_order(order, count, steps.lengths_of(stream), batch_size);
  }
  static void check_order(const std::int64_t* order, std::size_t count, const Indices& lengths, long batch_size) {
    require(batch_size >= 1, "batch_size expects at least 1; got ", batch_size);
    constexpr std::int64_t kMostSteps = std::int64_t{1} << 40;
    std::int64_t steps = 0;
    const std::int64_t num_sequences = static_cast<std::int64_t>(lengths.shape(0));
    for (std::size_t i = 0; i < count; ++i) {
      require(order[i] >= 0 && order[i] < num_sequences, "order[", i, "]=", order[i], " is none of the ", num_sequences,
              " sequences; expected at least 0 and below that");
      if (i % static_cast<std::size_t>(batch_size) == 0) steps = 0;
      steps += std::min(lengths(order[i]), kMostSteps);
      if (steps > kMostSteps) throw std::bad_alloc();
    }
  }

  static bool sequences_overlap(const Indices& starts, const Indices& lengths) {
    std::vector<std::size_t> by_start;
    for (std::size_t i = 0; i < starts.shape(0); ++i)
      if (lengths(i) > 0) by_start.push_back(i);  // an empty one lies wherever it begins
    const auto earlier = [&](std::size_t a, std::size_t b) { return starts(a) < starts(b); };
    if (!std::is_sorted(by_start.begin(), by_start.end(), earlier)) std::sort(by_start.begin(), by_start.end(), earlier);
    for (std::size_t i = 1; i < by_start.size(); ++i)
      if (starts(by_start[i]) < starts(by_start[i - 1]) + lengths(by_start[i - 1])) return true;
    return false;
  }

  std::vector<StreamRows> stream_rows(const Steps<T>& steps) const {
    std::vector<StreamRows> found;
    for (const std::size_t rows : rows_of(steps)) {
      const long stream = static_cast<long>(found.size());
      found.push_back({rows, sequences_overlap(steps.starts_of(stream), steps.lengths_of(stream))});
    }
    return found;
  }

  // A node's value or its gradient, in the data's order. It has a place for each row where no two sequences share one.
  Array<T, 2> new_rows(const Value<T>& value, std::size_t sequences, const std::vector<StreamRows>& rows) const {
    require(!value.per_step || !rows[value.stream].overlap, "starts and lengths expect sequences that share no row where values are per step: copy those rows");
    return new_array<T>(true, value.per_step ? rows[value.stream].count : sequences, value.size);
  }
  // Of the last pass, whose batch are all sequences; only rows of none of them need the zeros.
  Array<T, 2> new_rows(const Value<T>& value, bool written) const {
    const StreamRows& rows = rows_of_pass[value.stream];
    const Batch& batch = this->batch(value.stream);
    const bool complete = !value.per_step || static_cast<std::size_t>(batch.num_steps) == rows.count;
    if (written && complete && !rows.overlap) return new_array<T>(false, value.per_step ? rows.count : batch.num_sequences, value.size);
    return new_rows(value, batch.num_sequences, rows_of_pass);
  }

  void require_kept(Kept least, const char* call, const char* expected) const {
    require(kept >= least, call, " expects ", expected, " as the engine's last call; call that first");
  }
  void require_values(const char* call) const { require_kept(Kept::kValues, call, "forward"); }
  void require_gradients(const char* call) const { require_kept(Kept::kGradients, call, "backward"); }

  // None, or one for each loss.
  std::vector<Target<T>> targets_of(const std::vector<TargetArrays<T>>& arrays, const Steps<T>& steps) const {
    require(!this->losses().empty(), "nodes expects a Loss to compare a target with; the network has none");
    require(arrays.size() == this->losses().size(), "targets expects one for each of the ", this->losses().size(), " losses of the network; got ", arrays.size());
    const std::vector<std::size_t> rows = rows_of(steps);
    std::vector<Target<T>> targets;
    for (std::size_t l = 0; l < arrays.size(); ++l) {
      const LossNode<T>& loss = *this->losses()[l];
      targets.push_back(target_of(arrays.size() > 1 ? "targets[" + std::to_string(l) + "]" : "targets", loss, arrays[l],
                                  loss.value.per_step ? rows[loss.value.stream] : steps.num_sequences()));
    }
    return targets;
  }

  static Target<T> target_of(const std::string& name, const LossNode<T>& loss, const TargetArrays<T>& arrays, std::size_t rows) {
    const auto& [values, classes, weights] = arrays;
    const long size = loss.value.size, num_classes = loss.num_classes();
    Target<T> target;
    if (loss.has_classes()) {
      require(classes.has_value(), name, " expects int32 classes, one a row; got values");
      require(classes->shape(0) == rows, name, " expects one class for each of ", rows, " rows; got ", classes->shape(0));
      for (std::size_t i = 0; i < rows; ++i)
        require((*classes)(i) >= 0 && (*classes)(i) < num_classes, name, "[", i, "]=", (*classes)(i), " is no class of the ", num_classes,
                " outputs; expected at least 0 and below that");
      target.classes = classes->data();
    } else {
      require(values.has_value(), name, " expects values, one row of ", size, " outputs a row; got classes");
      require(values->shape(0) == rows && static_cast<long>(values->shape(1)) == size, name, " expects shape (", rows, ", ", size, "); got ",
              shape_of(*values));
      target.values = values->data();
    }
    if (weights) {
      require(weights->shape(0) == rows, "weights expects one number for each of ", rows, " rows; got ", weights->shape(0));
      target.weights = weights->data();
    }
    return target;
  }

 private:
  std::atomic<bool> in_use_{false};
};

}  // namespace tidegate
