"""Gates and states against the reference, gradients against differences of the loss."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate import Numeric, Regression, SequenceClassifier, SequenceModel, SequenceRegressor, cells
from tidegate.inspection import gates, gradient_flow
from tidegate.recurrent import Recurrent
from tidegate.reference import run, run_stack

Array = npt.NDArray[Any]
LENGTHS = (7, 3, 5, 1)
INPUT_SIZE, HIDDEN_SIZE = 3, 11
QUICK: dict[str, Any] = {"hidden_size": 6, "max_epochs": 2, "validation": None, "random_state": 0}

each_cell = pytest.mark.parametrize("cell", cells.CELLS)


def sequences(seed: int, lengths: tuple[int, ...] = LENGTHS, size: int = INPUT_SIZE) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, size)) for length in lengths]


def stack(cell: str, hidden_size: int = HIDDEN_SIZE, **options: Any) -> Recurrent:
    layers = Recurrent(cell, INPUT_SIZE, hidden_size, dtype="float64", **options)
    rng = np.random.default_rng(0)
    for value in layers.parameters.values():
        value[...] = 0.5 * rng.normal(size=value.shape)
    return layers


def padded(rows: list[Array]) -> Array:
    full = np.zeros((len(rows), max(map(len, rows)), rows[0].shape[1]))
    for place, row in zip(full, rows):
        place[: len(row)] = row
    return full


@each_cell
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gates_and_states_are_the_references(cell: str, bidirectional: bool) -> None:
    layers = stack(cell, num_layers=2, bidirectional=bidirectional)
    X = sequences(1)
    expected = run_stack(layers.cell, layers.parameters, padded(X), lengths=LENGTHS).trace
    for index, (length, trace) in enumerate(zip(LENGTHS, gates(layers, X), strict=True)):
        assert list(trace) == list(expected)
        for layer, values in trace.items():
            assert list(values) == list(dict.fromkeys((*layers.cell.gates, *layers.cell.states)))
            for name, rows in values.items():
                assert rows.shape == (length, HIDDEN_SIZE)
                np.testing.assert_allclose(rows, expected[layer][name][index, :length], rtol=0, atol=1e-12)


def outputs_where_a_state_moves(
    spec: cells.CellSpec, parameters: dict[str, Array], x: Array, place: int, moves: dict[str, Array]
) -> Array:
    """h of every step (T, H), where after step `place` the states move by so much."""
    before = run(spec, parameters, x[np.newaxis, : place + 1])
    states = {name: value + moves.get(name, 0.0) for name, value in before.final.items()}
    output = [*before.output[0, :-1], states["h"][0]]
    if place + 1 < len(x):
        output += list(run(spec, parameters, x[np.newaxis, place + 1 :], states).output[0])
    return np.array(output)


def loss_where_a_state_moves(
    layers: Recurrent, x: Array, y: Array, moving: str, place: int, moves: dict[str, Array]
) -> float:
    """sum(y * output) of a stack, in which a layer's states move after its `place`-th step as it runs."""
    names = [name.removeprefix("bias_") for name in layers.parameters if name.startswith("bias_l")]
    directions = 2 if layers.bidirectional else 1
    below = x
    for start in range(0, len(names), directions):
        outputs = []
        for name in names[start : start + directions]:
            own = {
                key.removesuffix(f"_{name}"): value
                for key, value in layers.parameters.items()
                if key.endswith(f"_{name}")
            }
            turn = slice(None, None, -1 if name.endswith("_reverse") else 1)
            made = outputs_where_a_state_moves(
                layers.cell, own, below[turn], place, moves if name == moving else {}
            )
            outputs.append(made[turn])
        below = np.concatenate(outputs, axis=1)
    return float((y * below).sum())


@each_cell
def test_gradients_are_differences_of_the_loss(cell: str) -> None:
    lengths, size, difference = (4, 2), 3, 1e-5
    layers = stack(cell, hidden_size=size, num_layers=2, bidirectional=True)
    X, Y = sequences(2, lengths), sequences(4, lengths, 2 * size)
    for x, y, flow in zip(X, Y, gradient_flow(layers, X, Y), strict=True):
        assert list(flow) == ["l0", "l0_reverse", "l1", "l1_reverse"]
        for layer, norms_of in flow.items():
            assert tuple(norms_of) == layers.cell.states
            for state, norms in norms_of.items():
                assert norms.shape == (len(x),)
                for back, got in enumerate(norms):
                    place = len(x) - 1 - back
                    slopes = [
                        loss_where_a_state_moves(layers, x, y, layer, place, {state: move})
                        - loss_where_a_state_moves(layers, x, y, layer, place, {state: -move})
                        for move in difference * np.eye(size)
                    ]
                    expected = np.linalg.norm(slopes) / (2 * difference)
                    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)


def test_what_does_not_fit_is_refused() -> None:
    layers = stack("gru")
    x = sequences(1, (5,))[0]
    with pytest.raises(ValueError, match=r"X expects 3 features.*got 2"):
        gates(layers, x[:, :2][np.newaxis])
    with pytest.raises(ValueError, match=r"y expects 11 numbers a step.*got 3 for 1 sequences of 5"):
        gradient_flow(layers, [x], [x])
    estimator = SequenceRegressor(**QUICK).fit([x], [0.0])
    for model in (layers, estimator):
        with pytest.raises(ValueError, match=r"X expects 3 features.*got 1: pass \[x\] for one sequence x"):
            gates(model, x)
    described = SequenceModel({"x": Numeric()}, {"y": Regression()}, **QUICK).fit({"x": [x], "y": [0.0]})
    named = "model expects a SequenceClassifier, SequenceRegressor or Recurrent; got SequenceModel"
    for given in ({"x": [x]}, [x]):
        with pytest.raises(ValueError, match=named):
            gates(described, given)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=named):
            gradient_flow(described, given, [0.0])  # type: ignore[arg-type]


def test_an_estimators_gradient_starts_at_its_loss() -> None:
    X = sequences(0, (6, 4, 9, 5, 7))
    y = np.array([one.sum() for one in X])
    model = SequenceRegressor(
        "lstm", bidirectional=False, dense=(), dropout=0.5, zoneout={"c": 0.3}, **QUICK
    ).fit(X, y)
    error = (model.predict(X) - y) / model.coding_.scaling.scale
    weight = np.linalg.norm(model.parameters_["weight_output"])
    for flow, one in zip(gradient_flow(model, X, y), error, strict=True):
        np.testing.assert_allclose(flow["l0"]["h"][0], 2 * abs(one) * weight, rtol=1e-4)


def test_a_sequences_gradient_is_that_of_itself_alone() -> None:
    X = sequences(0, (6, 4, 9, 5, 7))
    y = [np.arange(len(one)) % 2 for one in X]
    model = SequenceClassifier("gru", class_weight={0: 5.0}, **QUICK).fit(X, y)
    for one, label, flow in zip(X, y, gradient_flow(model, X, y), strict=True):
        (alone,) = gradient_flow(model, [one], [label])
        for layer, norms in flow.items():
            np.testing.assert_allclose(norms["h"], alone[layer]["h"], rtol=1e-10)
    with pytest.raises(ValueError, match="y expects one target a step, as in fit; got one a sequence"):
        gradient_flow(model, X, [0, 1, 0, 1, 0])


def test_an_estimators_gates_are_those_of_its_scaled_input() -> None:
    X = sequences(0, (6, 4, 9, 5, 7))
    model = SequenceClassifier("mgu", num_layers=2, **QUICK).fit(X, [0, 1, 0, 1, 0])
    parameters = {name: value for name, value in model.parameters_.items() if "_l" in name}
    trace = gates(model, X)[2]
    scaled = model.scaling_.apply("X", X[2], "float64")[np.newaxis]
    expected = run_stack(cells.get("mgu"), parameters, scaled).trace
    for layer, values in expected.items():
        for name, rows in values.items():
            np.testing.assert_allclose(trace[layer][name], rows[0], rtol=0, atol=1e-12)
