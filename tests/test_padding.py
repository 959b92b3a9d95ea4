"""Padding in the estimators: skipped, gated or read, saved and compared."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidegate
import tidegate.inspection
from tidegate.data import Sequences
from tidegate.engine import Engine, Steps
from tidegate.models.rows import Rows
from tidegate.network import Input, sequence_network

Array = npt.NDArray[Any]
SMALL: dict[str, Any] = {"hidden_size": 6, "max_epochs": 4, "random_state": 0, "bidirectional": False}


def padded(seed: int = 0, num_sequences: int = 30, num_steps: int = 9) -> tuple[Array, Array, Array]:
    """Values with rubbish in the padding, which may stand anywhere; the mask of real steps; numbers."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_sequences, num_steps, 2))
    mask = rng.random((num_sequences, num_steps)) < 0.6
    mask[np.arange(num_sequences), rng.integers(0, num_steps, num_sequences)] = True
    y = np.array([one[own].mean() for one, own in zip(x, mask)])
    return np.where(mask[:, :, np.newaxis], x, 1e6), mask, y


x, mask, y = padded()
KEPT = Sequences.from_padded(x, mask=mask, padding="keep")
SKIPPED = Sequences.from_padded(x, mask=mask)


def predicted(X: Any, **options: Any) -> Array:
    return np.asarray(tidegate.SequenceRegressor(**SMALL, **options).fit(X, y).predict(X))


def test_kept_padding_is_marked_and_can_be_taken_out_again() -> None:
    assert KEPT.padding is not None
    np.testing.assert_array_equal(KEPT.padding.reshape(mask.shape), ~mask)
    assert (KEPT.values[KEPT.padding] == 0).all()
    real = KEPT.without_padding()
    np.testing.assert_array_equal(real.values, SKIPPED.values)
    np.testing.assert_array_equal(real.offsets, SKIPPED.offsets)
    assert real.padding is None
    some = KEPT[[3, 1, 2]]
    assert some.padding is not None
    np.testing.assert_array_equal(some.padding.reshape(3, -1), ~mask[[3, 1, 2]])
    assert f"{(~mask).mean():.0%} of them padding" in repr(KEPT)
    given = Sequences(x.reshape(-1, 2), KEPT.offsets, padding=~mask.reshape(-1))
    np.testing.assert_array_equal(given.values, KEPT.values)


def test_sequences_are_filled_up_to_a_length() -> None:
    X = Sequences.from_any([np.ones((2, 1)), np.ones((4, 1))], times=[[0.0, 1.0], [0.0, 1.0, 2.0, 3.0]])
    filled = X.with_padding(3)
    assert filled.lengths.tolist() == [3, 4]
    assert filled.padding is not None
    assert filled.padding.tolist() == [False, False, True, False, False, False, False]
    assert filled.times is not None
    assert np.isnan(filled.times[2])
    back = filled.without_padding()
    np.testing.assert_array_equal(back.values, X.values)
    np.testing.assert_array_equal(back.times, X.times)
    assert X.with_padding(2) is X


def test_the_default_skips_padding() -> None:
    np.testing.assert_array_equal(predicted(KEPT), predicted(SKIPPED))


def test_input_reads_zeros_where_there_is_padding() -> None:
    zeros = np.where(mask[:, :, np.newaxis], x, 0.0)
    np.testing.assert_array_equal(predicted(KEPT, padding="input"), predicted(zeros))


@pytest.mark.parametrize("missing", ["refuse", "fill", "mask", "decay"])
def test_a_gate_that_is_shut_is_padding_that_is_not_there(missing: str) -> None:
    model = tidegate.SequenceRegressor(**SMALL, padding="gate", missing=missing).fit(KEPT, y)
    plain = tidegate.SequenceRegressor(**SMALL, missing=missing).fit(SKIPPED, y)
    np.testing.assert_array_equal(model.scaling_.mean, plain.scaling_.mean)
    np.testing.assert_array_equal(model.scaling_.scale, plain.scaling_.scale)
    assert model.parameters_["bias_l0_gate"].shape == (6,)
    assert (model.parameters_["bias_l0_gate"] != -3.0).all()  # learned, by unit
    engine = Engine(model.network_)
    for name, value in model.parameters_.items():
        engine.parameters[name] = value
    steps = model._steps({"": Rows.of(KEPT)}, model.encoders_, model.network_)
    np.testing.assert_allclose(model.coding_.scaling.undo(engine.predict(steps))[:, 0], model.predict(KEPT))
    engine.parameters["bias_l0_gate"] = np.full(6, -np.inf)
    for name in ("weight_l0_decay", "bias_l0_decay"):  # real steps are apart by padding that has no time
        if name in engine.parameters:
            engine.parameters[name] = np.zeros_like(engine.parameters[name])
    shut = engine.predict(steps)
    arrays = model.encoder_.inputs("X", SKIPPED, "float32", False)
    names = [node.name for node in model.network_.nodes if isinstance(node, Input)]
    bare = Steps(tuple(arrays[name] for name in names), SKIPPED.offsets[:-1].copy(), SKIPPED.lengths)
    np.testing.assert_array_equal(engine.predict(bare), shut)


@pytest.mark.parametrize("padding", ["gate", "input"])
def test_sequences_without_padding_are_filled_up_to_the_longest_of_fit(padding: str) -> None:
    model = tidegate.SequenceRegressor(**SMALL, padding=padding).fit(SKIPPED, y)
    longest = int(SKIPPED.lengths.max())
    assert model.padding_.num_steps == longest
    filled = SKIPPED.with_padding(longest)
    again = tidegate.SequenceRegressor(**SMALL, padding=padding).fit(filled, y)
    np.testing.assert_array_equal(model.predict(SKIPPED), again.predict(filled))
    few = SKIPPED[:4]  # alone it is filled up as far
    np.testing.assert_array_equal(model.predict(few), model.predict(SKIPPED)[:4])
    longer = Sequences.from_any([np.ones((longest + 5, 2))])
    assert np.isfinite(model.predict(longer)).all()


def test_the_ways_differ_and_each_direction_and_layer_has_gates() -> None:
    answers = [predicted(KEPT, padding=way) for way in ("skip", "gate", "input")]
    assert all((answers[i] != answers[j]).any() for i, j in ((0, 1), (0, 2), (1, 2)))
    options = {**SMALL, "bidirectional": True, "num_layers": 2}
    model = tidegate.SequenceRegressor(**options, padding="gate").fit(KEPT, y)
    gates = [value for name, value in model.parameters_.items() if name.endswith("_gate")]
    assert len(gates) == 4
    assert len({tuple(gate) for gate in gates}) == 4
    assert "how far padding moves the state" in model.summary()


def test_a_model_with_gates_is_saved_and_continued(tmp_path: Any) -> None:
    model = tidegate.SequenceRegressor(**SMALL, padding="gate", zoneout=0.2).fit(SKIPPED, y)
    model.save(tmp_path / "m.safetensors")
    loaded = tidegate.load(tmp_path / "m.safetensors")
    assert loaded.padding_ == model.padding_
    np.testing.assert_array_equal(loaded.predict(KEPT), model.predict(KEPT))
    np.testing.assert_array_equal(loaded.predict(SKIPPED), model.predict(SKIPPED))
    model.set_params(warm_start=True).fit(SKIPPED, y)
    assert len(model.history_["loss"]) == 8
    with pytest.raises(
        ValueError, match="warm_start expects padding='gate', as the fit before had it; got 's"
    ):
        model.set_params(padding="skip").fit(SKIPPED, y)


def test_gates_and_gradients_through_time_are_those_of_the_padded_steps() -> None:
    model = tidegate.SequenceRegressor(**SMALL, padding="gate").fit(KEPT, y)
    traces = tidegate.inspection.gates(model, KEPT[:2])
    assert traces[0]["l0"]["h"].shape == (9, 6)
    flows = tidegate.inspection.gradient_flow(model, KEPT[:2], y[:2])
    assert all(np.isfinite(flow["l0"]["h"]).all() for flow in flows)


@pytest.mark.parametrize("padding", ["gate", "input"])
def test_a_trace_of_marked_padding_does_not_depend_on_other_sequences(padding: str) -> None:
    model = tidegate.SequenceClassifier(padding=padding, **SMALL).fit(
        [np.ones((one, 2)) for one in (3, 9)], [0, 1]
    )
    values = np.random.default_rng(0).normal(size=(3, 6, 2))
    kept = Sequences.from_padded(values, lengths=[4, 6, 3], padding="keep")
    together, alone = (tidegate.inspection.gates(model, own)[-1] for own in (kept, kept[2:3]))
    for layer, states in together.items():
        for name, state in states.items():
            np.testing.assert_array_equal(state, alone[layer][name])


def test_what_does_not_go_together_is_refused() -> None:
    per_step = [np.zeros(length) for length in SKIPPED.lengths]
    for options, X, targets in (
        ({"padding": "gate"}, SKIPPED, per_step),
        ({"padding": "input"}, SKIPPED, per_step),
        ({}, KEPT, [np.zeros(9)] * len(KEPT)),
    ):
        with pytest.raises(ValueError, match="padding expects one target a sequence; got one a step"):
            tidegate.SequenceRegressor(**SMALL, **options).fit(X, targets)
    times = np.cumsum(np.ones((30, 9)), axis=1)
    timed = Sequences.from_padded(x, mask=mask, padding="keep", times=times)
    with pytest.raises(ValueError, match="padding expects 'skip' or 'gate' for sequences with time stamps"):
        tidegate.SequenceRegressor(**SMALL, padding="input").fit(timed, y)
    tidegate.SequenceRegressor(**SMALL, padding="gate", missing="decay").fit(timed, y)
    with pytest.raises(ValueError, match="padding expects one of skip, gate, input; got 'gates'"):
        tidegate.SequenceRegressor(**SMALL, padding="gates").fit(KEPT, y)
    model = tidegate.SequenceRegressor(**SMALL, padding="gate").fit(KEPT, y)
    with pytest.raises(ValueError, match="fit one with padding='skip'"):
        model.stream()
    with pytest.raises(ValueError, match="padding expects one boolean a step"):
        Sequences(np.ones((3, 1)), np.array([0, 3]), padding=np.array([True, False]))
    with pytest.raises(ValueError, match="at least 1 real step in each sequence; got none in sequence 1"):
        Sequences(np.ones((3, 1)), np.array([0, 2, 3]), padding=np.array([True, False, True]))
    with pytest.raises(ValueError, match="X expects sequences without padding"):
        Sequences.from_any(KEPT, times=times.reshape(-1))


@settings(deadline=None, max_examples=40)
@given(
    cell=st.sampled_from(["lstm", "gru", "gru_reset_before", "mgu", "rnn"]),
    lengths=st.lists(st.integers(0, 8), min_size=1, max_size=25),
    amount=st.integers(1, 12),
    hidden_size=st.integers(1, 40),
    batch_size=st.integers(1, 25),
    seed=st.integers(0, 1000),
)
def test_skipped_padding_changes_no_bit_and_costs_no_row(
    cell: str, lengths: list[int], amount: int, hidden_size: int, batch_size: int, seed: int
) -> None:
    """Wherever padding stands and however much, whatever else is in the batch, in any order."""
    rng = np.random.default_rng(seed)
    items = [rng.normal(size=(length, 3)) for length in lengths]
    num_steps = max(lengths) + amount
    values = rng.normal(size=(len(items), num_steps, 3)) * 1e3
    real = np.zeros(values.shape[:2], bool)
    for row, item in enumerate(items):
        places = np.sort(rng.permutation(num_steps)[: len(item)])
        values[row, places], real[row, places] = item, True
    order = rng.permutation(len(items))
    X = Sequences.from_padded(values, mask=real, empty="keep")[order]
    network = sequence_network(cell, 3, hidden_size, 2, "mse", num_layers=2, bidirectional=True)
    engine = Engine(network)
    engine.flat[:] = 0.5 * np.random.default_rng(seed).normal(size=engine.flat.size)
    together = engine.predict(Steps.of(X.values, X.offsets), batch_size)
    assert engine.num_rows == 2 * 2 * sum(lengths)  # of two layers in two directions
    for row, index in enumerate(order):
        alone = engine.predict(Steps.of(items[index], [0, lengths[index]]))
        np.testing.assert_array_equal(together[row], alone[0])


def test_an_epoch_of_a_fit_computes_the_real_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = []
    made = tidegate.SequenceRegressor._engine
    monkeypatch.setattr(
        tidegate.SequenceRegressor, "_engine", lambda self, n: engines.append(made(self, n)) or engines[-1]
    )
    options = {**SMALL, "max_epochs": 1, "validation": None}
    for way, rows in (("skip", mask.sum()), ("gate", mask.size), ("input", mask.size)):
        tidegate.SequenceRegressor(**options, padding=way).fit(KEPT, y)
        assert engines[-1].num_rows == rows
