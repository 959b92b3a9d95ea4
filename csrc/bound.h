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
using PositionTuple = std::tuple<long, double, double, double, In<T, 1>>;

template <class T>
std::tuple<long, double, double, double, Array<T, 1>> as_tuple(const EpochPosition<T>& position) {
  Array<T, 1> states = new_array<T>(false, position.states.size());
  std::copy(position.states.begin(), position.states.end(), states.data());
  return {position.update, position.sums.loss, position.sums.score, position.sums.weight, states};
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

// A network and the arrays it reads, kept alive for the length of one call.
template <class T>
class Bound : public Network<T> {
 public:
  using Network<T>::Network;
  using Inputs = std::vector<In<T, 2>>;
  using Mask = std::optional<In<std::uint8_t, 1>>;
  using Values = std::optional<In<T, 2>>;
  using Classes = std::optional<In<std::int32_t, 1>>;
  using Weights = std::optional<In<T, 1>>;

  // What is there to be read: of the last pass nothing, its states, its values, or its gradients too.
  enum class Kept { kNothing, kStates, kValues, kValuesToDifferentiate, kGradients };
  Kept kept = Kept::kNothing;
  std::size_t num_rows = 0;  // of the data of that pass
  bool rows_overlap = false;  // a row of it belongs to several sequences
  bool in_windows = false;    // of that pass no step is kept
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

  Data<T> data_of(const Inputs& inputs, const Indices& starts, const Indices& lengths, const Mask& mask) const {
    const std::size_t expected = this->inputs().size();
    require(expected >= 1, "nodes expects an Input; the network has none: add one");
    require(inputs.size() == expected, "inputs expects one array for each of the ", expected, " inputs of the network; got ", inputs.size());
    require(starts.shape(0) == lengths.shape(0), "starts expects one row for each of the ", lengths.shape(0), " lengths; got ", starts.shape(0));
    const std::size_t rows = inputs[0].shape(0);
    Data<T> data;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const long size = this->inputs()[i]->value.size;
      require(static_cast<long>(inputs[i].shape(1)) == size, "inputs[", i, "] expects ", size, " columns; got ", inputs[i].shape(1));
      require(inputs[i].shape(0) == rows, "inputs[", i, "] expects ", rows, " rows as inputs[0] has; got ", inputs[i].shape(0));
      data.inputs.push_back(inputs[i].data());
    }
    require(!mask || mask->shape(0) == rows, "mask expects one entry for each of the ", rows, " rows of inputs; got ", mask ? mask->shape(0) : 0);
    const std::int64_t end = static_cast<std::int64_t>(rows);
    for (std::size_t i = 0; i < starts.shape(0); ++i) {
      require(lengths(i) >= 1, "lengths[", i, "]=", lengths(i), " is an empty sequence; expected at least 1 step: leave it out");
      require(starts(i) >= 0 && lengths(i) <= end && starts(i) <= end - lengths(i), "starts[", i, "]=", starts(i), " and lengths[", i,
              "]=", lengths(i), " lie outside the values; expected a part of their ", rows, " rows");
    }
    data.starts = starts.data();
    data.lengths = lengths.data();
    data.mask = mask ? mask->data() : nullptr;
    return data;
  }

  // A batch of all sequences, with its targets and initial states. The arrays are read until the pass is over.
  Data<T> begin_batch(const Inputs& inputs, const Indices& starts, const Indices& lengths, const Mask& mask, const Values& values,
                      const Classes& classes, const Weights& weights, const std::vector<std::pair<long, In<T, 3>>>& initial,
                      long window = 0) {
    const Data<T> data = data_of(inputs, starts, lengths, mask);
    const auto targets = values || classes ? targets_of(values, classes, weights, lengths.shape(0), inputs[0].shape(0))
                                           : std::vector<Target<T>>{};
    require(lengths.shape(0) >= 1, "lengths expects at least one sequence; got none: pass one");
    std::vector<std::int64_t> order(lengths.shape(0));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    check_order(order.data(), order.size(), lengths, static_cast<long>(order.size()));
    kept = Kept::kNothing;
    in_windows = false;
    this->set_targets(targets);
    this->set_batch(data.starts, data.lengths, order.data(), static_cast<long>(order.size()), window);
    for (const auto& [node, states] : initial) {
      RecurrentNode<T>& layer = *this->recurrent(node);
      read_states(layer, this->batch(), "initial", states, layer.states);
      layer.has_initial = true;
    }
    num_rows = inputs[0].shape(0);
    rows_overlap = sequences_overlap(starts, lengths);
    return data;
  }

  void require_output_gradients(const std::vector<std::pair<long, In<T, 2>>>& outputs) const {
    for (const auto& [node, gradient] : outputs) {
      const Value<T>& value = this->node(node)->value;
      const std::size_t rows = value.per_step ? num_rows : static_cast<std::size_t>(this->batch().num_sequences);
      require(gradient.shape(0) == rows && static_cast<long>(gradient.shape(1)) == value.size, "outputs expects a gradient of shape (",
              rows, ", ", value.size, "); got ", shape_of(gradient));
    }
  }

  void set_final_gradients(const std::vector<std::pair<long, In<T, 3>>>& final_states) {
    for (const auto& [node, gradients] : final_states) {
      RecurrentNode<T>& layer = *this->recurrent(node);
      read_states(layer, this->batch(), "final_states", gradients, layer.state_gradients);
      layer.has_final_gradient = true;
    }
  }

  void require_forward_in_time(const char* argument, bool windows) const {
    require(!windows || !this->any_reverse(), argument, " expects layers in one direction, since the other begins with the last step; ",
            "got reverse=True: pass bidirectional=False, or leave ", argument, " out");
  }
  void require_window(long window) const {
    require(window >= 0, "window expects at least 1 step; got ", window);
    require_forward_in_time("window", window > 0);
  }
  void require_all_steps(const char* call, bool per_step) const {
    require(!in_windows || !per_step, call, " expects a pass that keeps every step; got one in windows: call forward");
  }

  // Also that no batch has more steps than a buffer can have rows: its size would overflow.
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
    std::vector<std::size_t> by_start(starts.shape(0));
    std::iota(by_start.begin(), by_start.end(), std::size_t{0});
    const auto earlier = [&](std::size_t a, std::size_t b) { return starts(a) < starts(b); };
    if (!std::is_sorted(by_start.begin(), by_start.end(), earlier)) std::sort(by_start.begin(), by_start.end(), earlier);
    for (std::size_t i = 1; i < by_start.size(); ++i)
      if (starts(by_start[i]) < starts(by_start[i - 1]) + lengths(by_start[i - 1])) return true;
    return false;
  }

  // A node's value or its gradient, in the data's order. It has a place for each row where no two sequences share one.
  Array<T, 2> new_rows(const Value<T>& value, std::size_t sequences, std::size_t rows, bool overlap) const {
    require(!value.per_step || !overlap, "starts and lengths expect sequences that share no row where values are per step: copy those rows");
    return new_array<T>(true, value.per_step ? rows : sequences, value.size);
  }
  // Of the last pass, whose batch are all sequences; only rows of none of them need the zeros.
  Array<T, 2> new_rows(const Value<T>& value, bool written) const {
    const bool complete = !value.per_step || static_cast<std::size_t>(this->batch().num_steps) == num_rows;
    if (written && complete && !rows_overlap) return new_array<T>(false, value.per_step ? num_rows : this->batch().num_sequences, value.size);
    return new_rows(value, this->batch().num_sequences, num_rows, rows_overlap);
  }

  void require_kept(Kept least, const char* call, const char* expected) const {
    require(kept >= least, call, " expects ", expected, " as the engine's last call; call that first");
  }
  void require_values(const char* call) const { require_kept(Kept::kValues, call, "forward"); }
  void require_gradients(const char* call) const { require_kept(Kept::kGradients, call, "backward"); }

  std::vector<Target<T>> targets_of(const std::optional<In<T, 2>>& values, const std::optional<In<std::int32_t, 1>>& classes,
                                    const std::optional<In<T, 1>>& weights, std::size_t sequences, std::size_t steps) const {
    require(this->losses().size() == 1, "nodes expects one Loss to compare a target with; the network has ", this->losses().size());
    const LossNode<T>& loss = *this->losses()[0];
    const std::size_t rows = loss.value.per_step ? steps : sequences;
    const long size = loss.value.size;
    Target<T> target;
    if (loss.has_classes()) {
      require(classes.has_value(), "targets expects int32 classes, one a row; got values");
      require(classes->shape(0) == rows, "targets expects one class for each of ", rows, " rows; got ", classes->shape(0));
      for (std::size_t i = 0; i < rows; ++i)
        require((*classes)(i) >= 0 && (*classes)(i) < size, "targets[", i, "]=", (*classes)(i), " is no class of the ", size,
                " outputs; expected at least 0 and below that");
      target.classes = classes->data();
    } else {
      require(values.has_value(), "targets expects values, one row of ", size, " outputs a row; got classes");
      require(values->shape(0) == rows && static_cast<long>(values->shape(1)) == size, "targets expects shape (", rows, ", ", size, "); got ",
              shape_of(*values));
      target.values = values->data();
    }
    if (weights) {
      require(weights->shape(0) == rows, "weights expects one number for each of ", rows, " rows; got ", weights->shape(0));
      target.weights = weights->data();
    }
    return {target};
  }

 private:
  std::atomic<bool> in_use_{false};
};

}  // namespace tidegate
