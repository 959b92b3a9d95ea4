// The engine for Python: arrays in, arrays out. Shapes and dtypes stand in the signatures; sizes that depend on one
// another are checked here, and nowhere further in.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "network.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tidegate {
namespace {

template <class T, int kDims>
using In = nb::ndarray<const T, nb::ndim<kDims>, nb::c_contig, nb::device::cpu>;
template <class T, int kDims>
using Out = nb::ndarray<T, nb::ndim<kDims>, nb::c_contig, nb::device::cpu>;
template <class T, int kDims>
using Array = nb::ndarray<nb::numpy, T, nb::ndim<kDims>, nb::c_contig>;
using Indices = In<std::int64_t, 1>;

// Cancels an epoch that runs in another thread.
struct Stop {
  std::atomic<bool> requested{false};
};

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

// A pending signal whose handler raised stays as Python's error of this thread until the call returns.
Interrupt interruptible(const Stop* stop) {
  return Interrupt(stop ? &stop->requested : nullptr, [] {
    nb::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
  });
}

std::tuple<long, double, double, double> as_tuple(const EpochPosition& position) {
  return {position.update, position.sums.loss, position.sums.score, position.sums.weight};
}

void raise_interruption() {
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

template <class T>
Array<T, 2> new_array(std::size_t rows, std::size_t columns, T fill) {
  T* data = new T[std::max<std::size_t>(rows * columns, 1)];
  std::fill_n(data, rows * columns, fill);
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return Array<T, 2>(data, {rows, columns}, owner);
}

// States of one layer, (states, sequences, H), between the caller's order and the batch's.
template <class T>
void read_states(const RecurrentNode<T>& layer, const Batch& batch, const In<T, 3>& from,
                 std::array<Buffer<T>, kMaxStates>& to) {
  require(static_cast<long>(from.shape(0)) == layer.num_states && static_cast<long>(from.shape(1)) == batch.num_sequences &&
              static_cast<long>(from.shape(2)) == layer.hidden_size,
          "states expects (states, sequences, hidden_size)");
  for (long s = 0; s < layer.num_states; ++s) {
    T* rows = to[s].zero(batch.num_sequences * layer.hidden_stride);
    for (long b = 0; b < batch.num_sequences; ++b)
      std::copy_n(&from(s, batch.sequence[b], 0), layer.hidden_size, rows + b * layer.hidden_stride);
  }
}

template <class T>
void write_states(const RecurrentNode<T>& layer, const Batch& batch, const std::array<Buffer<T>, kMaxStates>& from, Out<T, 3>& to) {
  require(static_cast<long>(to.shape(0)) == layer.num_states && static_cast<long>(to.shape(1)) == batch.num_sequences &&
              static_cast<long>(to.shape(2)) == layer.hidden_size,
          "states expects (states, sequences, hidden_size)");
  for (long s = 0; s < layer.num_states; ++s)
    for (long b = 0; b < batch.num_sequences; ++b)
      std::copy_n(from[s].data() + b * layer.hidden_stride, layer.hidden_size, &to(s, batch.sequence[b], 0));
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

  Data<T> data_of(const Inputs& inputs, const Indices& starts, const Indices& lengths, const Mask& mask) const {
    require(inputs.size() == this->inputs().size(), "inputs expects one array for each input of the plan");
    require(starts.shape(0) == lengths.shape(0), "starts and lengths differ in size");
    std::size_t rows = mask ? mask->shape(0) : inputs.at(0).shape(0);
    Data<T> data;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      require(static_cast<long>(inputs[i].shape(1)) == this->inputs()[i]->value.size, "an input has another number of columns");
      require(inputs[i].shape(0) == rows, "inputs and mask differ in rows");
      data.inputs.push_back(inputs[i].data());
    }
    for (std::size_t i = 0; i < starts.shape(0); ++i)
      require(starts(i) >= 0 && lengths(i) >= 1 && lengths(i) <= static_cast<std::int64_t>(rows) &&
                  starts(i) <= static_cast<std::int64_t>(rows) - lengths(i),
              "a sequence lies outside the values, or is empty");
    data.starts = starts.data();
    data.lengths = lengths.data();
    data.mask = mask ? mask->data() : nullptr;
    return data;
  }

  static void check_order(const Indices& order, const Indices& lengths) {
    for (std::size_t i = 0; i < order.shape(0); ++i)
      require(order(i) >= 0 && order(i) < static_cast<std::int64_t>(lengths.shape(0)), "order names a sequence that is not there");
  }

  std::vector<Target<T>> targets_of(const std::optional<In<T, 2>>& values, const std::optional<In<std::int32_t, 1>>& classes,
                                    const std::optional<In<T, 1>>& weights, std::size_t sequences, std::size_t steps) const {
    require(this->losses().size() == 1, "a plan with one loss is expected");
    const LossNode<T>& loss = *this->losses()[0];
    const std::size_t rows = loss.value.per_step ? steps : sequences;
    Target<T> target;
    if (loss.has_classes()) {
      require(classes && classes->shape(0) == rows, "classes expects one number a row");
      for (std::size_t i = 0; i < rows; ++i)
        require((*classes)(i) >= 0 && (*classes)(i) < loss.value.size, "a class lies outside the outputs");
      target.classes = classes->data();
    } else {
      require(values && values->shape(0) == rows && static_cast<long>(values->shape(1)) == loss.value.size,
              "targets expects one row of outputs a row");
      target.values = values->data();
    }
    if (weights) {
      require(weights->shape(0) == rows, "weights expects one number a row");
      target.weights = weights->data();
    }
    return {target};
  }
};

template <class T>
void bind_network(nb::module_& m, const char* name) {
  using N = Bound<T>;
  using Inputs = typename N::Inputs;
  using Mask = typename N::Mask;
  using Values = std::optional<In<T, 2>>;
  using Classes = std::optional<In<std::int32_t, 1>>;
  using Weights = std::optional<In<T, 1>>;
  const auto view = [](T* (Network<T>::*get)()) {
    return [get](N& n) {
      return Array<T, 1>((n.*get)(), {static_cast<std::size_t>(n.num_parameters())}, nb::find(n));
    };
  };
  nb::class_<N>(m, name)
      .def(nb::init<long, int>(), "num_parameters"_a, "num_threads"_a)
      .def("add_input", &N::add_input, "size"_a, "needs_gradient"_a)
      .def("add_recurrent", &N::add_recurrent, "of"_a, "cell"_a, "hidden_size"_a, "reverse"_a, "multipliers"_a, "first_parameter"_a)
      .def("add_dropout", &N::add_dropout, "of"_a, "rate"_a)
      .def("add_pool", [](N& n, long of, const std::string& pooling) {
            return n.add_pool(of, choose<Pooling>(pooling, {{"last", Pooling::kLast}, {"mean", Pooling::kMean}, {"max", Pooling::kMax}}));
          }, "of"_a, "pooling"_a)
      .def("add_dense", [](N& n, const std::vector<long>& of, long size, const std::string& activation, long first) {
            return n.add_dense(of, size, choose<Activation>(activation, {{"none", Activation::kNone}, {"tanh", Activation::kTanh}, {"relu", Activation::kRelu}}), first);
          }, "of"_a, "size"_a, "activation"_a, "first_parameter"_a)
      .def("add_loss", [](N& n, long of, const std::string& loss, double delta) {
            return n.add_loss(of, choose<LossKind>(loss, {{"mse", LossKind::kMse}, {"mae", LossKind::kMae}, {"huber", LossKind::kHuber},
                                                          {"softmax_cross_entropy", LossKind::kSoftmaxCrossEntropy},
                                                          {"sigmoid_cross_entropy", LossKind::kSigmoidCrossEntropy}}), delta);
          }, "of"_a, "loss"_a, "delta"_a)
      .def_prop_ro("parameters", view(&Network<T>::parameters))
      .def_prop_ro("gradients", view(&Network<T>::gradients))
      .def_prop_ro("first_moment", view(&Network<T>::first_moment))
      .def_prop_ro("second_moment", view(&Network<T>::second_moment))
      .def_prop_ro("reached", [](const N& n) { return as_tuple(n.reached); })
      .def_prop_rw("num_updates", [](const N& n) { return n.num_updates.load(std::memory_order_relaxed); },
                   [](N& n, long count) { n.num_updates.store(count, std::memory_order_relaxed); })

      .def("epoch",
           [](N& n, const Inputs& inputs, const Indices& starts, const Indices& lengths, const Values& values, const Classes& classes,
              const Weights& weights, const Indices& order, long batch_size, const In<double, 1>& learning_rates,
              const OptimizerSettings& settings, std::uint64_t seed, const std::tuple<long, double, double, double>& position,
              long max_updates, const Stop* stop) {
             const Data<T> data = n.data_of(inputs, starts, lengths, {});
             N::check_order(order, lengths);
             const auto targets = n.targets_of(values, classes, weights, lengths.shape(0), inputs[0].shape(0));
             const long count = static_cast<long>(order.shape(0));
             require(batch_size >= 1 && static_cast<long>(learning_rates.shape(0)) == (count + batch_size - 1) / batch_size,
                     "learning_rates expects one an update");
             const auto& [update, loss, score, weight] = position;
             require(update >= 0 && update <= static_cast<long>(learning_rates.shape(0)) && max_updates >= 0,
                     "position expects an update of this epoch");
             EpochResult result;
             {
               nb::gil_scoped_release release;
               Interrupt interrupt = interruptible(stop);
               result = n.epoch(data, targets, order.data(), count, batch_size, learning_rates.data(), settings, seed, {update, {loss, score, weight}},
                                max_updates, interrupt);
             }
             n.reached = result.position;
             if (result.ending == Ending::kInterrupted) raise_interruption();
             return std::make_tuple(as_tuple(n.reached), result.ending == Ending::kComplete);
           },
           "inputs"_a.noconvert(), "starts"_a.noconvert(), "lengths"_a.noconvert(), "values"_a.none().noconvert(),
           "classes"_a.none().noconvert(), "weights"_a.none().noconvert(), "order"_a.noconvert(), "batch_size"_a,
           "learning_rates"_a.noconvert(), "settings"_a, "seed"_a, "position"_a, "max_updates"_a, "stop"_a.none())
      .def("evaluate",
           [](N& n, const Inputs& inputs, const Indices& starts, const Indices& lengths, const Values& values, const Classes& classes,
              const Weights& weights, const Indices& order, long batch_size, const Stop* stop) {
             const Data<T> data = n.data_of(inputs, starts, lengths, {});
             N::check_order(order, lengths);
             require(batch_size >= 1, "batch_size expects at least 1");
             n.set_targets(n.targets_of(values, classes, weights, lengths.shape(0), inputs[0].shape(0)));
             LossSums sums;
             run_released(stop, [&](Interrupt& interrupt) {
               n.for_batches(data, order.data(), static_cast<long>(order.shape(0)), batch_size, interrupt, [&] { sums += n.loss_sums(); });
             });
             return std::make_tuple(sums.loss, sums.score, sums.weight);
           },
           "inputs"_a.noconvert(), "starts"_a.noconvert(), "lengths"_a.noconvert(), "values"_a.none().noconvert(),
           "classes"_a.none().noconvert(), "weights"_a.none().noconvert(), "order"_a.noconvert(), "batch_size"_a, "stop"_a.none())
      .def("predict",
           [](N& n, long node, const Inputs& inputs, const Indices& starts, const Indices& lengths, const Indices& order, long batch_size) {
             const Data<T> data = n.data_of(inputs, starts, lengths, {});
             N::check_order(order, lengths);
             require(batch_size >= 1, "batch_size expects at least 1");
             const Value<T>& value = n.node(node)->value;
             auto out = new_array<T>(value.per_step ? inputs[0].shape(0) : lengths.shape(0), value.size, T(0));
             n.set_targets({});
             run_released(nullptr, [&](Interrupt& interrupt) {
               n.for_batches(data, order.data(), static_cast<long>(order.shape(0)), batch_size, interrupt, [&] { n.scatter(node, out.data()); });
             });
             return out;
           },
           "node"_a, "inputs"_a.noconvert(), "starts"_a.noconvert(), "lengths"_a.noconvert(), "order"_a.noconvert(), "batch_size"_a)

      .def("forward",
           [](N& n, const Inputs& inputs, const Indices& starts, const Indices& lengths, const Mask& mask, const Values& values,
              const Classes& classes, const Weights& weights, const std::vector<std::pair<long, In<T, 3>>>& initial, bool training,
              std::uint64_t seed) {
             const Data<T> data = n.data_of(inputs, starts, lengths, mask);
             n.set_targets(values || classes ? n.targets_of(values, classes, weights, lengths.shape(0), inputs[0].shape(0))
                                             : std::vector<Target<T>>{});
             std::vector<std::int64_t> order(lengths.shape(0));
             std::iota(order.begin(), order.end(), std::int64_t{0});
             n.set_batch(data.starts, data.lengths, order.data(), static_cast<long>(order.size()));
             for (const auto& [node, states] : initial) {
               RecurrentNode<T>& layer = *n.recurrent(node);
               read_states(layer, n.batch(), states, layer.states);
               layer.has_initial = true;
             }
             run_released(nullptr, [&](Interrupt& interrupt) { n.forward(data, training, seed, interrupt); });
             const LossSums sums = n.loss_sums();
             return std::make_tuple(sums.loss, sums.score, sums.weight);
           },
           "inputs"_a.noconvert(), "starts"_a.noconvert(), "lengths"_a.noconvert(), "mask"_a.none().noconvert(),
           "values"_a.none().noconvert(), "classes"_a.none().noconvert(), "weights"_a.none().noconvert(), "initial"_a.noconvert(),
           "training"_a, "seed"_a)
      .def("backward",
           [](N& n, const std::vector<std::pair<long, In<T, 2>>>& outputs, const std::vector<std::pair<long, In<T, 3>>>& final_states) {
             for (const auto& [node, gradient] : outputs) {
               require(static_cast<long>(gradient.shape(1)) == n.node(node)->value.size, "a gradient has another number of columns");
               n.gather_gradient(node, gradient.data());
             }
             for (const auto& [node, gradients] : final_states) {
               RecurrentNode<T>& layer = *n.recurrent(node);
               read_states(layer, n.batch(), gradients, layer.state_gradients);
               layer.has_final_gradient = true;
             }
             run_released(nullptr, [&](Interrupt& interrupt) { n.backward(interrupt); });
           },
           "outputs"_a.noconvert(), "final_states"_a.noconvert())
      .def("read", [](const N& n, long node, Out<T, 2> out) { n.scatter(node, out.data()); }, "node"_a, "out"_a.noconvert())
      .def("read_gradient", [](const N& n, long node, Out<T, 2> out) { n.scatter_gradient(node, out.data()); }, "node"_a, "out"_a.noconvert())
      .def("final_states", [](const N& n, long node, Out<T, 3> out) {
            write_states(*n.recurrent(node), n.batch(), n.recurrent(node)->states, out);
          }, "node"_a, "out"_a.noconvert())
      .def("initial_state_gradients", [](const N& n, long node, Out<T, 3> out) {
            write_states(*n.recurrent(node), n.batch(), n.recurrent(node)->state_gradients, out);
          }, "node"_a, "out"_a.noconvert());
}

}  // namespace
}  // namespace tidegate

NB_MODULE(TIDEGATE_MODULE, m) {
  using namespace tidegate;
  m.doc() = "The engine, compiled for one instruction set.";
  nb::set_leak_warnings(false);  // objects alive when the interpreter exits are no leak
  nb::class_<Stop>(m, "Stop")
      .def(nb::init<>())
      .def("set", [](Stop& stop) { stop.requested.store(true, std::memory_order_relaxed); })
      .def("is_set", [](const Stop& stop) { return stop.requested.load(std::memory_order_relaxed); });
  nb::class_<OptimizerSettings>(m, "OptimizerSettings")
      .def("__init__", [](OptimizerSettings* self, const std::string& name, double beta1, double beta2, double epsilon, double weight_decay,
                          double momentum, double rho, double clip_norm, double clip_value) {
            new (self) OptimizerSettings{choose<Method>(name, {{"adam", Method::kAdam}, {"adamw", Method::kAdamW}, {"rmsprop", Method::kRmsProp}, {"sgd", Method::kSgd}}),
                                         beta1, beta2, epsilon, weight_decay, momentum, rho, clip_norm, clip_value};
          }, "name"_a, "beta1"_a, "beta2"_a, "epsilon"_a, "weight_decay"_a, "momentum"_a, "rho"_a, "clip_norm"_a, "clip_value"_a);
  bind_network<float>(m, "Network32");
  bind_network<double>(m, "Network64");
}
