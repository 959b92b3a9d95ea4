"""Sequences of padding alone, where a user keeps them: no steps, and an answer from the initial states."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import tidegate
import tidegate.inspection
from tidegate.data import Sequences

Array = npt.NDArray[Any]
SMALL: dict[str, Any] = {"hidden_size": 6, "max_epochs": 4, "random_state": 0, "validation": None}
EMPTY = [0, 7, 8, 19]  # at the beginning, side by side, at the end

rng = np.random.default_rng(0)
lengths = rng.integers(1, 6, 20)
lengths[EMPTY] = 0
x, y = rng.normal(size=(20, 5, 2)), rng.normal(size=20)
X = Sequences.from_padded(x, lengths, empty="keep")
SOME = np.flatnonzero(lengths)


def fitted(X: Any, y: Any, **options: Any) -> tidegate.SequenceRegressor:
    return tidegate.SequenceRegressor(**SMALL | options).fit(X, y)


def test_they_are_kept_where_the_user_says_so_alone() -> None:
    mask = np.arange(5) < lengths[:, np.newaxis]
    for told in ({"lengths": lengths}, {"mask": mask}):
        with pytest.raises(ValueError, match=r"x\[0\] is all padding.*empty='keep'"):
            Sequences.from_padded(x, **told)
        assert (Sequences.from_padded(x, **told, empty="keep").lengths == lengths).all()
    with pytest.raises(ValueError, match=r"empty expects one of refuse, keep; got 'drop'"):
        Sequences.from_padded(x, lengths, empty="drop")
    with pytest.raises(ValueError, match=r"lengths\[0\]=-1 is below 0"):
        Sequences.from_padded(x, lengths - 1, empty="keep")
    again, counts = X.to_padded()
    np.testing.assert_array_equal(Sequences.from_padded(again, counts, empty="keep").values, X.values)
    marked = Sequences.from_padded(x, lengths, padding="keep", empty="keep")
    np.testing.assert_array_equal(marked.without_padding().offsets, X.offsets)
    assert marked[EMPTY].padding.all()
    assert X[[7, 3]].lengths.tolist() == [0, lengths[3]]


def test_time_stamps_rise_within_a_sequence_whatever_stands_between() -> None:
    times = np.cumsum(rng.uniform(1, 2, size=(20, 5)), axis=1)
    for padding in ("skip", "keep"):
        timed = Sequences.from_padded(x, lengths, times=times, padding=padding, empty="keep")
        assert timed.without_padding().times.tolist() == times[np.arange(5) < lengths[:, None]].tolist()
        times_of_some = Sequences.from_padded(x[SOME], lengths[SOME], times=times[SOME])
        for missing in ("mask", "decay"):
            assert (
                fitted(timed, y, missing=missing).gaps_
                == fitted(times_of_some, y[SOME], missing=missing).gaps_
            )
    times[3, 1] = times[3, 0]
    with pytest.raises(ValueError, match="twice in sequence 3 at step 1"):
        Sequences.from_padded(x, np.where(lengths, 5, 0), times=times, empty="keep")


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "steps"])
@pytest.mark.parametrize(
    "options",
    [{}, {"bptt_steps": 2}, {"recompute": True}, {"bidirectional": True}, {"missing": "mask"}],
    ids=str,
)
def test_the_answer_is_that_of_the_initial_states(
    pooling: str, options: dict[str, Any], tmp_path: Any
) -> None:
    options = {"bidirectional": False, "num_layers": 2, "dense": [(4, "tanh")]} | options
    model = fitted(X, y, pooling=pooling, batch_size=4, **options)
    p = model.parameters_
    dense = np.tanh(p["bias_dense0"])  # of zeros
    answer = model.coding_.scaling.undo(p["weight_output"] @ dense + p["bias_output"])[0]
    predicted = model.predict(X)
    np.testing.assert_allclose(predicted[EMPTY], answer, rtol=1e-5)
    assert len(set(predicted[SOME])) == len(SOME)
    np.testing.assert_array_equal(predicted[SOME], model.predict(X[SOME]))  # batch mates keep their bits
    np.testing.assert_array_equal(predicted[EMPTY], model.predict(X[EMPTY]))  # also of nothing else
    assert model.score(X[EMPTY], y[EMPTY]) <= 0
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(tidegate.load(tmp_path / "m.safetensors").predict(X), predicted)


@pytest.mark.parametrize("options", [{}, {"bptt_steps": 2}, {"recompute": True}], ids=str)
def test_they_are_trained_on(options: dict[str, Any]) -> None:
    """Far from the others in their target, they are found; batches of nothing else too."""
    far = np.where(lengths == 0, 5.0, 0.1 * y)
    options = {"bidirectional": False, "max_epochs": 200, "batch_size": 1, "learning_rate": 0.02} | options
    model = fitted(X, far, **options)
    assert model.num_updates_ == 20 * len(model.history_["loss"])
    np.testing.assert_allclose(model.predict(X)[EMPTY], 5.0, atol=0.3)
    assert model.score(X, far) > 0.9


def test_with_a_target_a_step_they_have_no_row() -> None:
    targets = [rng.normal(size=length) for length in lengths]
    labels = [np.where(own > 0, "up", "down") for own in targets]
    labels[0] = np.array([])
    options: dict[str, Any] = {**SMALL, "batch_size": 1, "bidirectional": False}
    for kind, own in ((tidegate.SequenceRegressor, targets), (tidegate.SequenceClassifier, labels)):
        for through_time in ({}, {"bptt_steps": 2}):
            model = kind(**options, **through_time).fit(X, own)
            without = kind(**options, **through_time).fit(X[SOME], [own[index] for index in SOME])
            answers = model.predict(X)
            assert [len(one) for one in answers] == lengths.tolist()
            for index, one in zip(SOME, without.predict(X[SOME])):
                np.testing.assert_array_equal(answers[index], one)
            assert model.score(X, own) == without.score(X[SOME], [own[index] for index in SOME])
            with pytest.raises(ValueError, match="expects a target at some steps; got sequences without"):
                model.fit(X[EMPTY], X[EMPTY])


@pytest.mark.parametrize("padding", ["gate", "input"])
def test_gates_and_inputs_read_their_padding(padding: str) -> None:
    marked = Sequences.from_padded(x, lengths, padding="keep", empty="keep")
    answers = fitted(marked, y, padding=padding).predict(marked)
    assert len(set(answers[EMPTY])) == 1
    assert lengths.max() == 5
    np.testing.assert_array_equal(fitted(X, y, padding=padding).predict(X), answers)  # filled up by fit


def test_they_are_split_and_weighed_like_others() -> None:
    model = fitted(X, y, validation=0.3)
    assert np.isfinite(model.history_["val_loss"]).all()
    weights = np.where(lengths, 1.0, 0.0)
    np.testing.assert_array_equal(
        tidegate.SequenceRegressor(**SMALL).fit(X, y, weights).predict(X[SOME]),
        fitted(X[SOME], y[SOME]).predict(X[SOME]),
    )
    assert (model.predict(X) != fitted(X[SOME], y[SOME], validation=0.3).predict(X)).any()
    with pytest.raises(ValueError, match="X expects steps in some of the sequences that are trained on"):
        fitted(X[EMPTY], y[EMPTY])


def test_gates_and_gradients_of_no_steps_are_none() -> None:
    model = fitted(X, y, bidirectional=False)
    assert [len(trace["l0"]["h"]) for trace in tidegate.inspection.gates(model, X)] == lengths.tolist()
    flows = tidegate.inspection.gradient_flow(model, X, y)
    assert [len(flow["l0"]["h"]) for flow in flows] == lengths.tolist()


def test_cells_are_compared_on_them() -> None:
    result = tidegate.compare(
        X, np.sign(y).astype(str), cells=["gru", "rnn"], seeds=2, max_epochs=2, hidden_size=4
    )
    assert result is not None


def test_an_archive_says_so_by_the_text_keep(tmp_path: Any) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=x, lengths=lengths, y=y)
    with pytest.raises(ValueError, match="empty='keep'"):
        tidegate.read(path)
    np.savez(path, X=x, lengths=lengths, y=y, empty="keep")
    data = tidegate.read(path)
    assert (data.X.without_padding().lengths == lengths).all()
    np.testing.assert_array_equal(fitted(data.X, data.y).predict(data.X), fitted(X, y).predict(X))
