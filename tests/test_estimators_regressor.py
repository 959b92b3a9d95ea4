"""SequenceRegressor: units, losses, shapes, numbers a step."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from tidegate import Regression, SequenceRegressor

SMALL = {"hidden_size": 8, "max_epochs": 40, "random_state": 0, "learning_rate": 0.02}


def data(count=40, seed=0):
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(rng.integers(3, 7), 2)) for _ in range(count)]
    return X, np.array([sequence[:, 0].sum() for sequence in X])


@pytest.mark.parametrize("loss", Regression.LOSSES)
def test_learns_with_each_loss_and_answers_in_the_targets_unit(loss):
    X, y = data()
    y = 1000.0 * y + 5000.0
    model = SequenceRegressor(loss=loss, **SMALL).fit(X, y)
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))
    assert model.score(X, y) > 0.7


def test_the_losses_differ():
    X, y = data()
    answers = [SequenceRegressor(loss=loss, **SMALL).fit(X, y).predict(X) for loss in Regression.LOSSES]
    assert len({answer.tobytes() for answer in answers}) == 3


@pytest.mark.parametrize("standardize", [True, False])
def test_history_is_in_units_of_the_targets_deviation(standardize):
    X, y = data()
    y = 10.0 * y + 3.0
    model = SequenceRegressor(**SMALL, standardize=standardize, validation=(X, y)).fit(X, y)
    best = model.best_epoch_ - 1
    unit = y.std() if standardize else 1.0
    mse = np.mean(((model.predict(X) - y) / unit) ** 2)
    assert model.history_["val_loss"][best] == pytest.approx(mse, rel=1e-4)
    assert model.history_["val_score"][best] == pytest.approx(model.score(X, y), rel=1e-4)


def test_several_outputs_and_columns_keep_their_shape():
    X, y = data()
    model = SequenceRegressor(**SMALL).fit(X, y)
    column = SequenceRegressor(**SMALL).fit(X, y[:, None])
    assert model.predict(X).shape == (40,)
    np.testing.assert_array_equal(column.predict(X)[:, 0], model.predict(X))
    pair = np.column_stack([y, -1000 * y])
    model = SequenceRegressor(**SMALL).fit(X, pair)
    assert model.predict(X).shape == (40, 2)
    assert model.score(X, pair) == pytest.approx(r2_score(pair, model.predict(X)))


def test_numbers_a_step():
    X, _ = data()
    y = [np.cumsum(sequence[:, 0]) for sequence in X]
    model = SequenceRegressor(**{**SMALL, "max_epochs": 80}).fit(X, y)
    predicted = model.predict(X)
    assert [answer.shape for answer in predicted] == [target.shape for target in y]
    assert model.score(X, y) == pytest.approx(r2_score(np.concatenate(y), np.concatenate(predicted)))
    assert model.score(X, y) > 0.7
    pairs = [np.column_stack([target, -target]) for target in y]
    model = SequenceRegressor(**SMALL).fit(X, pairs)
    assert [answer.shape for answer in model.predict(X)] == [pair.shape for pair in pairs]


def test_an_array_as_long_as_the_sequences_is_one_a_step_and_a_middle_axis_of_one_is_not():
    X = np.random.default_rng(0).normal(size=(20, 5, 2))
    y = X[:, :, 0]
    per_step = SequenceRegressor(**SMALL).fit(X, y)
    assert per_step.network_.is_per_step("output")
    assert per_step.predict(X).shape == (20, 5)
    per_sequence = SequenceRegressor(**SMALL).fit(X, y[:, None, :])
    assert not per_sequence.network_.is_per_step("output")
    assert per_sequence.predict(X).shape == (20, 5)
    assert per_sequence.parameters_["bias_output"].shape == (5,)


def test_steps_do_not_see_what_comes_after_them():
    X, _ = data()
    model = SequenceRegressor(**SMALL).fit(X, [sequence[:, 0] for sequence in X])
    changed = [sequence.copy() for sequence in X]
    for sequence in changed:
        sequence[-1] += 10.0
    for before, after in zip(model.predict(X), model.predict(changed)):
        np.testing.assert_array_equal(before[:-1], after[:-1])
        assert before[-1] != after[-1]


def test_constant_targets_are_learnt():
    X, y = data()
    model = SequenceRegressor(**SMALL).fit(X, np.full(len(y), 7.5))
    np.testing.assert_allclose(model.predict(X), 7.5, atol=0.5)
