// The engine for Python: arrays in, arrays out. Shapes and dtypes stand in the signatures, sizes that depend on one another
// are checked in bound.h.
#include "bound.h"

using namespace nanobind::literals;

namespace tidegate {
namespace {

template <class T>
void bind_network(nb::module_& m, const char* name) {
  using N = Bound<T>;
  using Mask = typename N::Mask;
  using Targets = std::vector<TargetArrays<T>>;
  using StepsOf = Steps<T>;
  const auto view = [](T* (Network<T>::*get)()) {
    return [get](N& n) {
      return Array<T, 1>((n.*get)(), {static_cast<std::size_t>(n.num_parameters())}, nb::find(n));
    };
  };
  nb::class_<StepsOf>(m, ("Steps" + std::string(name).substr(7)).c_str())
      .def("__init__", [](StepsOf* self, std::vector<In<T, 2>> inputs, Indices starts, Indices lengths, std::vector<typename StepsOf::Sparse> sparse,
                          std::vector<std::pair<Indices, Indices>> others) {
            new (self) StepsOf{std::move(inputs), std::move(starts), std::move(lengths), std::move(sparse), std::move(others)};
          }, "inputs"_a.noconvert(), "starts"_a.noconvert(), "lengths"_a.noconvert(), "sparse"_a.noconvert(), "others"_a.noconvert());
  nb::class_<N>(m, name)
      .def(nb::init<long, int>(), "num_parameters"_a, "num_threads"_a)
      .def("add_input", &N::add_input, "size"_a, "needs_gradient"_a, "stream"_a)
      .def("add_sparse_input", &N::add_sparse_input, "size"_a, "stream"_a)
      .def("add_embedding", &N::add_embedding, "of"_a, "size"_a, "first_parameter"_a)
      .def("add_repeat", &N::add_repeat, "of"_a, "like"_a)
      .def("add_align", &N::add_align, "of"_a, "index"_a)
      .def("add_gate", &N::add_gate, "of"_a, "present"_a, "first_parameter"_a)
      .def("add_thresholds", &N::add_thresholds, "of"_a, "size"_a, "first_parameter"_a)
      .def("add_recurrent", &N::add_recurrent, "of"_a, "cell"_a, "hidden_size"_a, "reverse"_a, "multipliers"_a, "updates"_a,
           "product_multiplier"_a, "first_parameter"_a, "beginnings"_a)
      .def("add_dropout", [](N& n, long of, long size, double rate, bool per_sequence, bool inverted, long stream) {
            return n.add_dropout(of, size, {rate, per_sequence, inverted}, stream);
          }, "of"_a, "size"_a, "rate"_a, "per_sequence"_a, "inverted"_a, "stream"_a)
      .def("add_padding_gate", &N::add_padding_gate, "of"_a, "size"_a, "first_parameter"_a)
      .def("add_pool", [](N& n, long of, const std::string& pooling) {
            return n.add_pool(of, choose<Pooling>(pooling, {{"last", Pooling::kLast}, {"mean", Pooling::kMean}, {"max", Pooling::kMax}}));
          }, "of"_a, "pooling"_a)
      .def("add_steps", &N::add_steps, "of"_a, "num_steps"_a)
      .def("add_dense", [](N& n, const std::vector<long>& of, long size, const std::string& activation, long first) {
            return n.add_dense(of, size, choose<Activation>(activation, {{"none", Activation::kNone}, {"tanh", Activation::kTanh}, {"relu", Activation::kRelu}, {"decay", Activation::kDecay}}), first);
          }, "of"_a, "size"_a, "activation"_a, "first_parameter"_a)
      .def("add_input_decay", &N::add_input_decay, "of"_a, "first_parameter"_a)
      .def("add_loss", [](N& n, long of, const std::string& loss, double delta, double weight, double focal, const std::vector<double>& columns) {
            return n.add_loss(of, choose<LossKind>(loss, {{"mse", LossKind::kMse}, {"mae", LossKind::kMae}, {"huber", LossKind::kHuber}, {"pinball", LossKind::kPinball}, {"ordinal", LossKind::kOrdinal},
                                                          {"softmax_cross_entropy", LossKind::kSoftmaxCrossEntropy},
                                                          {"sigmoid_cross_entropy", LossKind::kSigmoidCrossEntropy}}), {delta, weight, focal, columns});
          }, "of"_a, "loss"_a, "delta"_a, "weight"_a, "focal"_a, "columns"_a)
      .def_prop_ro("parameters", view(&Network<T>::parameters))
      .def_prop_ro("gradients", view(&Network<T>::gradients))
      .def_prop_ro("first_moment", view(&Network<T>::first_moment))
      .def_prop_ro("second_moment", view(&Network<T>::second_moment))
      .def_prop_ro("reached", [](const N& n) { return as_tuple(n.reached); }, nb::rv_policy::move)
      .def_prop_rw("num_updates", [](const N& n) { return n.num_updates.load(std::memory_order_relaxed); },
                   [](N& n, long count) { n.num_updates.store(count, std::memory_order_relaxed); })
      .def_prop_ro("num_rows", &Network<T>::num_rows)

      .def("epoch",
           [](N& n, const StepsOf& steps, const Targets& target_arrays, const Indices& order, long batch_size,
              const In<double, 1>& learning_rates, const OptimizerSettings& settings, double weight_noise, std::uint64_t seed,
              const PositionTuple<T>& position, long max_updates, long bptt_steps, bool recompute, const Stop* stop) {
             const typename N::Use use(n);
             const Data<T> data = n.data_of(steps, {});
             n.check_order(order.data(), order.shape(0), steps, batch_size);
             const auto targets = n.targets_of(target_arrays, steps);
             require(bptt_steps >= 0, "bptt_steps expects at least 1; got ", bptt_steps);
             require(!bptt_steps || !recompute, "recompute expects False beside bptt_steps, whose windows are all that is held; got both: pass one");
             n.require_windows(bptt_steps ? "bptt_steps" : "recompute", bptt_steps || recompute);
             const ThroughTime through_time{bptt_steps, recompute};
             const long count = static_cast<long>(order.shape(0));
             const long num_updates = n.num_updates_in(data, order.data(), count, batch_size, through_time);
             require(static_cast<long>(learning_rates.shape(0)) == num_updates, "learning_rates expects one for each of ", num_updates,
                     " updates; got ", learning_rates.shape(0));
             const auto& [update, sums, states] = position;
             require(update >= 0 && update <= num_updates, "position expects an update of this epoch, from 0 to ", num_updates, "; got ", update);
             require(sums.empty() || sums.size() == targets.size(), "position expects sums of each loss; got ", sums.size());
             EpochPosition<T> from{update, {}, {states.data(), states.data() + states.shape(0)}};
             for (const auto& [loss, score, weight] : sums) from.sums.push_back({loss, score, weight});
             require(max_updates >= 0, "max_updates expects at least 0; got ", max_updates);
             n.kept = N::Kept::kNothing;
             EpochResult<T> result;
             {
               nb::gil_scoped_release release;
               Interrupt interrupt = interruptible(stop);
               result = n.epoch(data, targets, order.data(), count, std::min(batch_size, std::max(count, 1L)), through_time,
                                learning_rates.data(), settings, weight_noise, seed, from, max_updates, interrupt);
             }
             n.reached = result.position;
             if (result.ending == Ending::kInterrupted) raise_interruption();
             return std::make_tuple(as_tuple(n.reached), result.ending == Ending::kComplete, n.total_loss());
           },
           "steps"_a, "targets"_a.noconvert(), "order"_a.noconvert(), "batch_size"_a, "learning_rates"_a.noconvert(), "settings"_a,
           "weight_noise"_a, "seed"_a, "position"_a, "max_updates"_a, "bptt_steps"_a, "recompute"_a, "stop"_a.none())
      .def("num_updates_in",
           [](const N& n, const Indices& lengths, const Indices& order, long batch_size, long bptt_steps) {
             N::check_order(order.data(), order.shape(0), lengths, batch_size);
             require(bptt_steps >= 0, "bptt_steps expects at least 1; got ", bptt_steps);
             Data<T> data;
             data.streams = {{nullptr, lengths.data()}};
             std::vector<long> updates;
             const long count = static_cast<long>(order.shape(0));
             for (long at = 0; at < count; at += batch_size)
               updates.push_back(n.num_updates_in(data, order.data() + at, std::min(batch_size, count - at), batch_size, {bptt_steps}));
             return updates;
           },
           "lengths"_a.noconvert(), "order"_a.noconvert(), "batch_size"_a, "bptt_steps"_a)
      .def("evaluate",
           [](N& n, const StepsOf& steps, const Targets& target_arrays, const Indices& order, long batch_size, long window,
              const Stop* stop) {
             const typename N::Use use(n);
             n.require_window(window);
             const Data<T> data = n.data_of(steps, {});
             n.check_order(order.data(), order.shape(0), steps, batch_size);
             const auto targets = n.targets_of(target_arrays, steps);
             n.kept = N::Kept::kNothing;
             n.set_targets(targets);
             std::vector<LossSums> sums(targets.size());
             run_released(stop, [&](Interrupt& interrupt) {
               n.for_batches(data, order.data(), static_cast<long>(order.shape(0)), batch_size, window, interrupt, [](Team&) {},
                             [&](Team&) {
                               const std::vector<LossSums> of_batch = n.loss_sums();
                               for (std::size_t l = 0; l < sums.size(); ++l) sums[l] += of_batch[l];
                             });
             });
             return as_tuples(sums);
           },
           "steps"_a, "targets"_a.noconvert(), "order"_a.noconvert(), "batch_size"_a, "window"_a, "stop"_a.none())
      .def("predict",
           [](N& n, const std::vector<long>& nodes, const StepsOf& steps, const Indices& order, long batch_size, long window) {
             const typename N::Use use(n);
             n.require_window(window);
             const Data<T> data = n.data_of(steps, {});
             n.check_order(order.data(), order.shape(0), steps, batch_size);
             const auto rows = n.stream_rows(steps);
             std::vector<Array<T, 2>> out;
             for (const long node : nodes) out.push_back(n.new_rows(n.source(node)->value, steps.num_sequences(), rows));
             n.kept = N::Kept::kNothing;
             n.set_targets({});
             const auto scatter_if = [&](bool per_step) {
               return [&, per_step](Team& team) {
                 for (std::size_t i = 0; i < nodes.size(); ++i)
                   if (n.node(nodes[i])->value.per_step == per_step) n.scatter(nodes[i], out[i].data(), team);
               };
             };
             run_released(nullptr, [&](Interrupt& interrupt) {
               n.for_batches(data, order.data(), static_cast<long>(order.shape(0)), batch_size, window, interrupt, scatter_if(true),
                             scatter_if(false));
             });
             return out;
           },
           "nodes"_a, "steps"_a, "order"_a.noconvert(), "batch_size"_a, "window"_a)

      .def("forward",
           [](N& n, const StepsOf& steps, const Mask& mask, const Targets& target_arrays,
              const std::vector<std::pair<long, In<T, 3>>>& initial, bool backward, bool training, std::uint64_t seed) {
             const typename N::Use use(n);
             const Data<T> data = n.begin_batch(steps, mask, target_arrays, initial);
             run_released(nullptr, [&](Interrupt& interrupt) { n.forward(data, backward, training, seed, interrupt); });
             n.kept = backward ? N::Kept::kValuesToDifferentiate : N::Kept::kValues;
             return as_tuples(n.loss_sums());
           },
           "steps"_a, "mask"_a.none().noconvert(), "targets"_a.noconvert(), "initial"_a.noconvert(), "backward"_a, "training"_a, "seed"_a)
      .def("backward",
           [](N& n, const std::vector<std::pair<long, In<T, 2>>>& outputs, const std::vector<std::pair<long, In<T, 3>>>& final_states,
              bool record) {
             const typename N::Use use(n);
             require(n.kept == N::Kept::kValuesToDifferentiate, "backward expects forward with training=True as the engine's last call; call that first");
             n.require_output_gradients(outputs);
             n.kept = N::Kept::kNothing;
             for (const auto& [node, gradient] : outputs) n.gather_gradient(node, gradient.data());
             n.set_final_gradients(final_states);
             n.record_gradients(record);
             run_released(nullptr, [&](Interrupt& interrupt) { n.backward(interrupt); });
             n.kept = N::Kept::kGradients;
           },
           "outputs"_a.noconvert(), "final_states"_a.noconvert(), "record"_a = false)
      .def("differentiate",
           [](N& n, const StepsOf& steps, const Mask& mask, const Targets& target_arrays, const std::vector<std::pair<long, In<T, 3>>>& initial,
              const std::vector<std::pair<long, In<T, 2>>>& outputs, const std::vector<std::pair<long, In<T, 3>>>& final_states, long window,
              std::uint64_t seed) {
             const typename N::Use use(n);
             require(window >= 1, "window expects at least 1 step; got ", window);
             n.require_window(window);
             const Data<T> data = n.begin_batch(steps, mask, target_arrays, initial, window);
             n.require_output_gradients(outputs);
             n.set_final_gradients(final_states);
             n.input_gradients.clear();
             for (const InputNode<T>* input : n.inputs())
               n.input_gradients.push_back(new_array<T>(true, input->value.needs_gradient ? n.rows_of_pass[0].count : 0, input->value.size));
             const auto gather = [&](bool per_step) {
               for (const auto& [node, gradient] : outputs)
                 if (n.node(node)->value.per_step == per_step) n.gather_gradient(node, gradient.data());
             };
             const auto scatter = [&] {
               for (std::size_t i = 0; i < n.inputs().size(); ++i)
                 if (n.inputs()[i]->value.has_gradient) n.scatter_gradient(n.inputs()[i]->value, n.input_gradients[i].data());
             };
             gather(false);
             run_released(nullptr, [&](Interrupt& interrupt) {
               n.differentiate(data, window, seed, interrupt, [&] { gather(true); }, scatter);
             });
             n.kept = N::Kept::kGradients;
             n.in_windows = true;
             return as_tuples(n.loss_sums());
           },
           "steps"_a, "mask"_a.none().noconvert(), "targets"_a.noconvert(), "initial"_a.noconvert(),
           "outputs"_a.noconvert(), "final_states"_a.noconvert(), "window"_a, "seed"_a)
      .def("begin_steps", [](N& n, long node, long count) {
            const typename N::Use use(n);
            require(n.inputs().size() == 1 && n.sparse_inputs().empty() && n.has_steps_alone(), "steps one at a time expect a network with one input, per step; got ", n.inputs().size() + n.sparse_inputs().size());
            require(!n.needs_whole_sequences(), "steps one at a time expect a network whose steps read no value per sequence and no other step; got a Repeat, an Align or beginnings: leave them out");
            require(count >= 1, "num_sequences expects at least 1; got ", count);
            const Value<T>& value = n.node(node)->value;
            n.kept = N::Kept::kNothing;
            n.step_input = new_array<T>(true, count, n.inputs()[0]->value.size);
            n.step_output = new_array<T>(true, count, value.size);
            n.step_node = node;
            n.begin_steps(count);
            n.kept = N::Kept::kStates;
            return std::make_tuple(n.step_input, n.step_output);
          }, "node"_a, "num_sequences"_a)
      .def("step", [](N& n) {
            const typename N::Use use(n);
            require(n.kept == N::Kept::kStates, "step expects begin_steps, and no other call of the engine since; call that first");
            const T* x = n.step_input.data();
            T sum = 0;  // NaN where a number is not finite
            for (std::size_t i = 0; i < n.step_input.size(); ++i) sum += x[i] * T(0);
            require(sum == T(0), "x expects finite numbers; got NaN or infinity: fill them, or leave the step out");
            Interrupt interrupt(nullptr, [] { return false; });
            n.step(x, n.step_node, n.step_output.data(), interrupt);
          })
      .def("piece", [](N& n, const In<T, 3>& x) -> nb::object {
            const typename N::Use use(n);
            require(n.kept == N::Kept::kStates, "piece expects begin_steps, and no other call of the engine since; call that first");
            const std::size_t count = n.step_input.shape(0), steps = x.shape(1);
            require(x.shape(0) == count && x.shape(2) == n.step_input.shape(1) && steps >= 1, "x expects shape (", count, ", steps, ",
                    n.step_input.shape(1), ") of at least one step; got ", shape_of(x));
            T sum = 0;  // NaN where a number is not finite
            for (std::size_t i = 0; i < x.size(); ++i) sum += x.data()[i] * T(0);
            require(sum == T(0), "x expects finite numbers; got NaN or infinity: fill them, or leave the step out");
            const Value<T>& value = n.node(n.step_node)->value;
            const auto run = [&](T* out) {
              run_released(nullptr, [&](Interrupt& interrupt) { n.piece(x.data(), static_cast<long>(steps), n.step_node, out, interrupt); });
            };
            if (value.per_step) {
              auto out = new_array<T>(false, count, steps, value.size);
              run(out.data());
              return nb::cast(out);
            }
            auto out = new_array<T>(false, count, value.size);
            run(out.data());
            return nb::cast(out);
          }, "x"_a.noconvert())
      .def("set_states", [](N& n, long node, const In<T, 3>& states) {
            const typename N::Use use(n);
            require(n.kept == N::Kept::kStates, "set_states expects begin_steps, and no other call of the engine since; call that first");
            read_states(*n.recurrent(node), n.batch(), "states", states, n.recurrent(node)->states);
          }, "node"_a, "states"_a.noconvert())
      .def("value", [](N& n, long node) {
            const typename N::Use use(n);
            n.require_values("value");
            const Value<T>& value = n.source(node)->value;
            n.require_all_steps("value", value.per_step);
            auto out = n.new_rows(value, true);
            n.scatter(node, out.data());
            return out;
          }, "node"_a)
      .def("gradient", [](N& n, long node) {
            const typename N::Use use(n);
            n.require_gradients("input_gradient");
            const Value<T>& value = n.node(node)->value;
            require(value.needs_gradient, "input_gradient expects an Input with needs_gradient=True; got one without: set it");
            if (n.in_windows)
              for (std::size_t i = 0; i < n.inputs().size(); ++i)
                if (&n.inputs()[i]->value == &value) return n.input_gradients[i];
            auto out = n.new_rows(value, value.has_gradient);
            if (value.has_gradient) n.scatter_gradient(node, out.data());
            return out;
          }, "node"_a)
      .def("final_states", [](N& n, long node) {
            const typename N::Use use(n);
            n.require_kept(N::Kept::kStates, "final_states", "forward");
            return new_states(*n.recurrent(node), n.batch(n.recurrent(node)->value.stream), n.recurrent(node)->states);
          }, "node"_a)
      .def("column", [](N& n, long node, long column) {
            const typename N::Use use(n);
            const RecurrentNode<T>& layer = *n.recurrent(node);
            require(n.kept == N::Kept::kValues || n.kept == N::Kept::kValuesToDifferentiate,
                    "trace expects forward as the engine's last call; call that first");
            require(column >= 0 && column < layer.num_columns(), "column expects one of ", layer.num_columns(), "; got ", column);
            auto out = n.new_rows(layer.value, true);
            n.scatter_column(node, column, out.data());
            return out;
          }, "node"_a, "column"_a)
      .def("state", [](N& n, long node, long state) {
            const typename N::Use use(n);
            const RecurrentNode<T>& layer = *n.recurrent(node);
            n.require_values("trace");
            n.require_all_steps("trace", true);
            require(state >= 0 && state < layer.num_states, "state expects one of ", layer.num_states, "; got ", state);
            auto out = n.new_rows(layer.value, true);
            n.scatter_state(node, state, out.data());
            return out;
          }, "node"_a, "state"_a)
      .def("state_gradient", [](N& n, long node, long state) {
            const typename N::Use use(n);
            const RecurrentNode<T>& layer = *n.recurrent(node);
            require(n.kept == N::Kept::kGradients && layer.records_gradients,
                    "state_gradients expects backward with record=True as the engine's last call; call that first");
            require(state >= 0 && state < layer.num_states, "state expects one of ", layer.num_states, "; got ", state);
            auto out = n.new_rows(layer.value, true);
            n.scatter_state_gradient(node, state, out.data());
            return out;
          }, "node"_a, "state"_a)
      .def("initial_state_gradients", [](N& n, long node) {
            const typename N::Use use(n);
            n.require_gradients("initial_state_gradients");
            return new_states(*n.recurrent(node), n.batch(n.recurrent(node)->value.stream), n.recurrent(node)->state_gradients);
          }, "node"_a);
}

}  // namespace
}  // namespace tidegate

NB_MODULE(TIDEGATE_MODULE, m) {
  using namespace tidegate;
  // PyGILState, by which the interpreter lock is taken back here and in nanobind, knows the main interpreter alone.
  if (PyInterpreterState_Get() != PyInterpreterState_Main())
    throw nb::import_error("tidegate's engine runs in the main interpreter only, and this is a subinterpreter: use threads or processes");
  m.doc() = "The engine, compiled for one instruction set.";
  nb::set_leak_warnings(false);  // objects alive when the interpreter exits are no leak
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
      PyErr_SetString(PyExc_MemoryError, "hidden_size, lengths and batch_size need more memory than there is: lower one of them");
    }
  });
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
  m.def("recomputed_steps", &recomputed_steps, "longest"_a, "Steps of a window where gradients are recomputed.");
  m.def("num_bytes_held", [] { return num_bytes_held.load(); }, "Bytes of the buffers of all engines of this process.");
  m.attr("chunk_rows") = kChunkRows;
  m.def("most_groups", &most_groups, "num_sequences"_a, "Groups that a batch is cut into at the most.");
  bind_network<float>(m, "Network32");
  bind_network<double>(m, "Network64");
}
