"""Gates, states and gradients of every step, read from a run of the engine.

The run is in float64 with the model's weights, whatever dtype the model itself computes in: a gradient that
vanished by forty orders of magnitude is still a number there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.data import Sequences
from tidegate.engine import Engine, Steps, Target
from tidegate.estimators.model import SequenceEstimator, sequences_of
from tidegate.models.examples import known_rows, rows_of, step_totals
from tidegate.models.rows import Rows
from tidegate.network import Recurrent as Layer
from tidegate.recurrent import Recurrent

Array = npt.NDArray[np.float64]
Trace = dict[str, dict[str, Array]]

DTYPE = "float64"


def gates(model: SequenceEstimator | Recurrent, X: Any) -> list[Trace]:
    """Each gate and state of every step: a trace a sequence, layer ("l0", "l0_reverse", "l1", ...) -> name as
    `tidegate cells` lists it -> (T_i, H). A state stands at the step after which it holds.

    model: a fitted estimator or a Recurrent. X: as in fit, in its units; for a Recurrent any such sequences
    of input_size. ValueError where they do not fit.
    """
    engine, steps, sequences = _prepared(model, X)
    engine.forward(steps)
    return _by_sequence({name: engine.trace(name) for name in _layers(engine)}, sequences)


def gradient_flow(model: SequenceEstimator | Recurrent, X: Any, y: Any) -> list[Trace]:
    """The Euclidean norm of d loss / d h_t, and of the other states of the cell: a trace a sequence, layer ->
    state -> (T_i,), entry k for the step k steps before the layer's last; a reverse layer's last is step 0.

    The loss is that of the sequence alone, unweighted: of its one target, or the mean over its steps where y
    has one a step. h_t counts in all that reads it: the next step, the layer above, the output. The states
    of one step are taken apart from one another, c_t as the next step reads it: a change of c_t that h_t
    does not follow.

    model, X: as in `gates`. y: as in fit; for a Recurrent, which has no loss, the gradient of yours by its
    output, (T_i, D*H) a sequence, as `Recurrent.backward` takes it. ValueError where they do not fit.
    """
    engine, steps, sequences = _prepared(model, X)
    if isinstance(model, Recurrent):
        outputs = _output_gradients(engine, sequences, y)
        engine.forward(steps, training=True, seed=None)
        engine.backward(outputs, record=True)
        share = 1.0
    else:
        target = _target(model, sequences, y)
        engine.forward(steps, target=target, training=True, seed=None)
        engine.backward(record=True)
        # The engine's loss is the mean over the sequences that have a target.
        share = float(len(sequences) if target.weights is None else target.weights.sum())
    gradients = {
        layer: {name: _norms(rows) * share for name, rows in engine.state_gradients(layer).items()}
        for layer in _layers(engine)
    }
    reverse = {layer: layer.endswith("_reverse") for layer in gradients}
    return [
        {
            layer: {name: norms if reverse[layer] else norms[::-1].copy() for name, norms in states.items()}
            for layer, states in trace.items()
        }
        for trace in _by_sequence(gradients, sequences)
    ]


def _prepared(model: SequenceEstimator | Recurrent, X: Any) -> tuple[Engine, Steps, Sequences]:
    """An engine with the model's weights, and the sequences as it reads them."""
    parameters: Mapping[str, npt.NDArray[Any]]
    if not isinstance(model, SequenceEstimator | Recurrent):
        raise ValueError(
            "model expects a SequenceClassifier, SequenceRegressor or Recurrent; got "
            f"{type(model).__name__}, whose gates are not shown yet: pass one of these"
        )
    if isinstance(model, Recurrent):
        network, parameters = model.network, model.parameters
        sequences = sequences_of(X, model.input_size, "as the layers have")
        if sequences.has_gaps:
            raise ValueError("X expects a value everywhere; got NaN: fill it, or leave those steps out")
        steps = Steps.of(sequences.values, sequences.offsets, DTYPE)
    else:
        model._check_fitted()
        network, parameters = model.network_, model.parameters_
        sequences = sequences_of(X, model.n_features_in_)
        steps = model._steps_of(sequences, DTYPE)
        sequences = model.padding_.read(sequences)
    engine = Engine(network, dtype=DTYPE)
    for name, value in parameters.items():
        engine.parameters[name] = value
    return engine, steps, sequences


def _layers(engine: Engine) -> list[str]:
    return [node.name for node in engine.network.nodes if isinstance(node, Layer)]


def _target(model: SequenceEstimator, sequences: Sequences, y: Any) -> Target:
    """y as the loss compares it; a step that has a target weighs in its sequence, every sequence the same."""
    rows, per_step = rows_of("y", y, sequences)
    if per_step != model.network_.is_per_step("output"):
        raise ValueError(
            f"y expects one target a {'sequence' if per_step else 'step'}, as in fit; got one a "
            f"{'step' if per_step else 'sequence'}: pass the same kind"
        )
    weights = None
    if per_step:
        rows, weights = known_rows("y", rows, None)
        known = np.ones(len(rows)) if weights is None else weights
        totals = step_totals(known, sequences)
        weights = known / np.repeat(np.maximum(totals, 1.0), sequences.lengths)
    values = model._target_rows("y", rows)
    given = Rows(values, None, np.ones(len(values), dtype=bool))
    return Target(model.coding_.encoded("y", given, DTYPE), weights)


def _output_gradients(engine: Engine, sequences: Sequences, y: Any) -> dict[str, Array]:
    """y (T_i, D*H) a sequence, by the layers of the top, one for each direction."""
    layers = _layers(engine)
    top = layers[-2:] if layers[-1].endswith("_reverse") else layers[-1:]
    given = Sequences.from_any(y, argument="y")
    width = len(top) * engine.network.widths[top[0]]
    if given.num_features != width or not np.array_equal(given.offsets, sequences.offsets):
        raise ValueError(
            f"y expects {width} numbers a step, as the output has, for each step of X; got "
            f"{given.num_features} for {len(given)} sequences of {given.total_steps} steps: pass the "
            "gradient of your loss by the output"
        )
    halves = np.split(given.values.astype(DTYPE), len(top), axis=1)
    return {layer: np.ascontiguousarray(half) for layer, half in zip(top, halves)}


def _norms(rows: Array) -> Array:
    """Of each row; scaled, so that no square of a small number is lost."""
    largest = np.abs(rows).max(axis=1)
    scale = np.where(largest > 0.0, largest, 1.0)
    norms: Array = scale * np.linalg.norm(rows / scale[:, np.newaxis], axis=1)
    return norms


def _by_sequence(rows: Trace, sequences: Sequences) -> list[Trace]:
    bounds = zip(sequences.offsets, sequences.offsets[1:])
    return [
        {layer: {name: values[begin:end] for name, values in of.items()} for layer, of in rows.items()}
        for begin, end in bounds
    ]
