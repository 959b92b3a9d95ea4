"""SequenceClassifier: labels, losses, probabilities, class weights, one label a step."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from tidegate import MultiClass, SequenceClassifier

SMALL = {"hidden_size": 8, "max_epochs": 30, "random_state": 0, "learning_rate": 0.02}
LOSSES = MultiClass.LOSSES


def data(num_classes=3, count=45, seed=0):
    """The label is which of the first channels has the largest mean."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % num_classes
    X = [
        rng.normal(size=(rng.integers(4, 9), num_classes)) + 1.5 * np.eye(num_classes)[label]
        for label in labels
    ]
    return X, np.array(["ant", "bee", "cat", "dog"])[labels]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_learns_with_each_loss(loss, num_classes):
    X, y = data(num_classes)
    model = SequenceClassifier(loss=loss, **SMALL).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.score(X, y) == accuracy_score(y, model.predict(X))
    assert list(model.classes_) == ["ant", "bee", "cat"][:num_classes]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_probabilities_decisions_and_labels_agree(loss, num_classes):
    X, y = data(num_classes)
    model = SequenceClassifier(loss=loss, **SMALL).fit(X, y)
    probabilities, decisions = model.predict_proba(X), model.decision_function(X)
    assert probabilities.shape == (len(X), num_classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))
    if num_classes == 2:
        assert decisions.shape == (len(X),)
        np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-decisions)))
    else:
        np.testing.assert_array_equal(decisions.argmax(axis=1), probabilities.argmax(axis=1))
    if loss == "softmax_cross_entropy" and num_classes == 3:
        exponentials = np.exp(decisions)
        np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(axis=1, keepdims=True))


def test_sigmoid_has_one_output_for_two_classes_and_one_each_for_more():
    for num_classes, num_outputs in ((2, 1), (3, 3)):
        model = SequenceClassifier(loss="sigmoid_cross_entropy", **SMALL).fit(*data(num_classes))
        assert model.parameters_["bias_output"].shape == (num_outputs,)


def test_the_losses_in_history_are_what_they_say():
    X, y = data()
    model = SequenceClassifier(**SMALL, validation=(X, y)).fit(X, y)
    best = model.best_epoch_ - 1
    assert model.history_["val_loss"][best] == pytest.approx(log_loss(y, model.predict_proba(X)), rel=1e-4)
    assert model.history_["val_score"][best] == pytest.approx(model.score(X, y))


@pytest.mark.parametrize("labels", [[3, 5, 9], [False, True, True], ["x", "yy", "zzz"], [-1.0, 0.0, 2.0]])
def test_labels_of_any_kind_come_back_as_they_were(labels):
    X, y = data()
    y = np.array(labels)[np.unique(y, return_inverse=True)[1]]
    predicted = SequenceClassifier(**SMALL).fit(X, y).predict(X)
    assert predicted.dtype == y.dtype
    assert set(predicted.tolist()) <= set(labels)


def test_a_class_whose_sequences_weigh_nothing_is_none():
    X, y = data()
    counts = np.arange(len(X)) >= 3
    model = SequenceClassifier(**SMALL).fit(X, np.where(counts, y, "odd"), counts)
    assert model.classes_.tolist() == ["ant", "bee", "cat"]
    assert len(model.coding_.names) == model.predict_proba(X).shape[1] == len(model.classes_)


def test_labels_may_be_a_list_or_a_column():
    X, y = data()
    models = [
        SequenceClassifier(**SMALL).fit(X, form) for form in (y, y.tolist(), y.astype(object), y[:, None])
    ]
    for model in models[1:]:
        np.testing.assert_array_equal(model.decision_function(X), models[0].decision_function(X))


def test_class_weight_moves_answers_to_the_heavy_class():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(4, 1)) for _ in range(60)]
    y = np.array([0] * 50 + [1] * 10)
    options = {**SMALL, "validation": None, "max_epochs": 15}
    shares = [
        np.mean(SequenceClassifier(class_weight=weight, **options).fit(X, y).predict(X))
        for weight in (None, "balanced", {1: 100.0})
    ]
    assert shares[0] < shares[1] < shares[2]


def test_balanced_class_weight_is_its_dict():
    X, y = data(count=44)  # 15, 15, 14
    weights = {label: 44 / (3 * np.sum(y == label)) for label in np.unique(y)}
    options = {**SMALL, "validation": None}
    balanced = SequenceClassifier(class_weight="balanced", **options).fit(X, y)
    given = SequenceClassifier(class_weight=weights, **options).fit(X, y)
    np.testing.assert_array_equal(balanced.decision_function(X), given.decision_function(X))


def test_class_weight_is_a_weight_of_each_of_its_rows():
    X, y = data()
    options = {**SMALL, "validation": None, "standardize": False}
    by_class = SequenceClassifier(class_weight={"bee": 3.0}, **options).fit(X, y)
    by_row = SequenceClassifier(**options).fit(X, y, np.where(y == "bee", 3.0, 1.0))
    np.testing.assert_array_equal(by_class.decision_function(X), by_row.decision_function(X))


def steps(count=30, seed=0):
    """Each step's label is the sign of the sum so far."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(rng.integers(3, 9), 1)) for _ in range(count)]
    return X, [np.where(np.cumsum(sequence) > 0, "up", "down") for sequence in X]


@pytest.mark.parametrize("loss", LOSSES)
def test_one_label_a_step(loss):
    X, y = steps()
    model = SequenceClassifier(loss=loss, **{**SMALL, "max_epochs": 60}).fit(X, y)
    predicted = model.predict(X)
    assert [len(labels) for labels in predicted] == [len(sequence) for sequence in X]
    assert model.score(X, y) == accuracy_score(np.concatenate(y), np.concatenate(predicted))
    assert model.score(X, y) > 0.8
    assert [rows.shape for rows in model.predict_proba(X)] == [(len(sequence), 2) for sequence in X]


def test_one_label_a_step_in_arrays_gives_arrays():
    X = np.random.default_rng(0).normal(size=(20, 5))
    y = (X.cumsum(axis=1) > 0).astype(int)
    model = SequenceClassifier(**SMALL).fit(X, y)
    assert model.predict(X).shape == (20, 5)
    assert model.predict_proba(X).shape == (20, 5, 2)
    assert model.decision_function(X).shape == (20, 5)
    as_list = model.predict(list(X))
    np.testing.assert_array_equal(np.stack(as_list), model.predict(X))


def test_step_weights_weigh_steps():
    X, y = steps()
    options = {**SMALL, "validation": None}
    first = [np.where(np.arange(len(labels)) == 0, 1.0, 0.0) for labels in y]
    whole = SequenceClassifier(**options).fit(X, y)
    weighted = SequenceClassifier(**options).fit(X, y, first)
    by_sequence = SequenceClassifier(**options).fit(X, y, np.ones(len(X)))
    np.testing.assert_array_equal(whole.history_["loss"], by_sequence.history_["loss"])
    assert weighted.score(X, y, first) > weighted.score(X, y)


def test_a_rare_class_is_no_reason_to_refuse_a_validation_share():
    X, y = data()
    y = y.astype(object)
    y[0] = "unique"
    model = SequenceClassifier(**SMALL, validation=0.2).fit(X, y)
    assert "unique" in model.classes_


def test_a_validation_share_is_stratified():
    # With constant inputs the outputs are the same for all: the validation score is the share of one class.
    y = np.array(["a"] * 30 + ["b"] * 10)
    for seed in range(5):
        model = SequenceClassifier(validation=0.2, max_epochs=2, hidden_size=2, random_state=seed).fit(
            np.ones((40, 3)), y
        )
        assert set(model.history_["val_score"]) <= {0.25, 0.75}
