"""Bad input is a ValueError naming argument, expectation, what was got and remedy, and changes nothing."""

import copy

import numpy as np
import pytest

from tidegate import SequenceClassifier, SequenceRegressor

X = np.random.default_rng(0).normal(size=(12, 4, 2))
LABELS = np.arange(12) % 2
NUMBERS = X.sum(axis=(1, 2))
OPTIONS = {"hidden_size": 3, "max_epochs": 2, "random_state": 0}


def spoilt(array, value):
    array = np.array(array, dtype=float)
    array.flat[3] = value
    return array


def ragged_features():
    return [np.ones((3, 2)), np.ones((3, 3)), *[np.ones((3, 2))] * 10]


BAD_FITS = {
    "NaN in X": (
        spoilt(X, np.nan),
        LABELS,
        {"missing": "refuse"},
        r"X expects finite numbers.* got NaN in sequence 0 at step 1, feature 1: fit with missing='decay'",
    ),
    "a feature missing everywhere": (
        np.where([True, False], np.nan, X),
        LABELS,
        {},
        r"X expects a value of each feature .* got none of feature 0 in any of these 1\d: leave",
    ),
    "unknown way": (X, LABELS, {"missing": "drop"}, "missing expects one of refuse, fill, mask, decay"),
    "unknown fill": (X, LABELS, {"missing": "fill", "fill": "median"}, "fill expects one of mean, zero"),
    "infinity in X": (spoilt(X, np.inf), LABELS, {}, r"X expects finite numbers; got infinity"),
    "NaN in y": (X, spoilt(LABELS, np.nan), {}, r"y expects finite numbers; got nan at row 3"),
    "empty sequence": ([[1.0], [], *[[1.0]] * 10], LABELS, {}, r"X\[1\] expects at least one step"),
    "none at all": ([], [], {}, "X expects at least one sequence; got none"),
    "no targets": (X, None, {}, r"y expects one entry a sequence or a step; got None"),
    "differing features": (ragged_features(), LABELS, {}, r"X\[1\] expects 2 features"),
    "lengths of y": (X, LABELS[:11], {}, r"y expects one entry for each of the 12 sequences of X; got 11"),
    "step targets of another length": (
        list(X),
        [np.arange(4) % 2] * 11 + [np.arange(5) % 2],
        {},
        r"y\[11\] expects 4 targets, one for each step of X\[11\]; got 5",
    ),
    "a y of three axes": (X, np.zeros((12, 2, 2)), {}, r"y expects one target a sequence"),
    "one class": (X, np.zeros(12), {}, r"y expects at least two classes; got one class, 0.0"),
    "continuous labels": (X, NUMBERS, {}, r"y expects labels.*use SequenceRegressor for numbers"),
    "mixed labels": (
        X,
        np.array(["a", 1] * 6, dtype=object),
        {},
        r"y expects strings or numbers; got int, str",
    ),
    "unknown cell": (X, LABELS, {"cell": "gruu"}, r"cell expects one of .* did you mean 'gru'"),
    "unknown loss": (X, LABELS, {"loss": "mse"}, r"loss expects one of softmax_cross_entropy"),
    "unknown pooling": (X, LABELS, {"pooling": "lst"}, r"did you mean 'last'"),
    "unknown optimizer": (X, LABELS, {"optimizer": "adan"}, r"did you mean 'adam"),
    "unknown initializer": (
        X,
        LABELS,
        {"initializers": {"bias": "forgt"}},
        r"initializers.bias expects one of .* did you mean 'forget'",
    ),
    "unknown initializer field": (X, LABELS, {"initializers": {"biases": "zeros"}}, r"did you mean 'bias'"),
    "initializers of another kind": (
        X,
        LABELS,
        {"initializers": "xavier"},
        r"initializers expects Initializers",
    ),
    "huge network": (X, LABELS, {"hidden_size": 100_000}, r"makes \d+ parameters; expected at most"),
    "too many units": (X, LABELS, {"hidden_size": 2**40}, r"hidden_size expects a whole number"),
    "num_threads": (X, LABELS, {"num_threads": 0}, r"num_threads expects a whole number from 1"),
    "standardize": (X, LABELS, {"standardize": "inputs"}, r"standardize expects True or False"),
    "validation share": (X, LABELS, {"validation": 1.5}, r"validation expects a finite number"),
    "validation kind": (X, LABELS, {"validation": "half"}, r"validation expects a share, data"),
    "validation features": (
        X,
        LABELS,
        {"validation": (X[:, :, :1], LABELS)},
        r"validation\[0\] expects 2 features, as fit saw; got 1",
    ),
    "validation label": (
        X,
        LABELS,
        {"validation": (X, LABELS + 1)},
        r"validation\[1\] expects labels that fit saw, 0, 1; got label 2",
    ),
    "validation per step": (
        X,
        LABELS,
        {"validation": (X, np.tile([0, 1], (12, 2)))},
        r"validation\[1\] expects one target a sequence or one a step",
    ),
    "class_weight name": (X, LABELS, {"class_weight": "balance"}, r"class_weight .* did you mean 'balanced'"),
    "class_weight label": (
        X,
        LABELS,
        {"class_weight": {5: 1.0}},
        r"class_weight expects labels that fit saw",
    ),
    "class_weight value": (
        X,
        LABELS,
        {"class_weight": {1: -1.0}},
        r"class_weight expects finite numbers above 0",
    ),
    "class_weight kind": (X, LABELS, {"class_weight": 3}, r"class_weight expects None, 'balanced' or a dict"),
    "beyond float32": (X * 1e300, LABELS, {"standardize": False}, r"X expects numbers that fit float32"),
    "squares overflow": (X * 1e200, LABELS, {}, r"X expects numbers whose squares are finite"),
}


@pytest.mark.parametrize("fault", BAD_FITS)
def test_a_bad_fit_is_refused_and_changes_nothing(fault):
    bad_X, bad_y, options, message = BAD_FITS[fault]
    model = SequenceClassifier(**OPTIONS).fit(X, LABELS)
    before, history = model.decision_function(X), copy.deepcopy(model.history_)
    model.set_params(**options)
    with pytest.raises(ValueError, match=message):
        model.fit(bad_X, bad_y)
    assert model.history_ == history
    np.testing.assert_array_equal(model.decision_function(X), before)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(11), "sample_weight expects one entry for each of the 12 sequences of X; got 11"),
        (-np.ones(12), "sample_weight expects numbers from 0"),
        (np.zeros(12), "sample_weight expects numbers from 0, some of them above; got zero weights only"),
        (np.full(12, np.nan), "sample_weight expects finite .* row 0: pass 0 where one is not to count$"),
        ([1.0] * 11 + [np.inf], "sample_weight expects finite .* row 11: pass 0 where one is not to count$"),
        (["a"] * 12, "sample_weight expects one number a sequence"),
        (np.ones((12, 4)), "sample_weight expects one number a sequence"),
    ],
)
def test_bad_weights_are_refused(weight, message):
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(**OPTIONS).fit(X, LABELS, weight)


def test_regressors_refuse_strings_and_other_numbers_of_outputs():
    with pytest.raises(ValueError, match=r"y expects numbers; got .* use SequenceClassifier"):
        SequenceRegressor(**OPTIONS).fit(X, np.array(["a", "b"] * 6))
    model = SequenceRegressor(**OPTIONS).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="y expects 1 numbers a row, as fit saw; got 2"):
        model.score(X, np.column_stack([NUMBERS, NUMBERS]))
    with pytest.raises(ValueError, match="y expects numbers whose squares are finite"):
        SequenceRegressor(**OPTIONS).fit(X, NUMBERS * 1e300)


def test_arrays_of_targets_that_are_no_steps_are_refused():
    few = [own[:3, 0] for own in X]
    message = r"y\[0\] expects 4 targets, one for each step of X\[0\]; got 3: pass as many, or an \(N, K\)"
    with pytest.raises(ValueError, match=message):
        SequenceRegressor(**OPTIONS).fit(list(X), few)
    several = SequenceRegressor(**OPTIONS).fit(list(X), np.array(few))
    assert several.predict(X).shape == (12, 3)
    as_lists = SequenceRegressor(**OPTIONS).fit(list(X), np.array(few).tolist())
    np.testing.assert_array_equal(as_lists.predict(X), several.predict(X))


def test_predicting_refuses_other_features_and_bad_values():
    model = SequenceClassifier(**OPTIONS).fit(X, LABELS)
    with pytest.raises(ValueError, match="X expects 2 features, as fit saw; got 3"):
        model.predict(np.ones((2, 4, 3)))
    with pytest.raises(ValueError, match=r"X expects 2 features, .* got 1: pass \[x\] for one sequence x"):
        model.predict(X[0])
    with pytest.raises(ValueError, match="X expects finite numbers"):
        model.predict(spoilt(X, np.nan))
    with pytest.raises(ValueError, match="X expects numbers that fit float32"):
        model.predict(X * 1e300)


def test_scoring_refuses_an_unseen_class_and_the_other_kind_of_targets():
    model = SequenceClassifier(**OPTIONS).fit(X, LABELS)
    with pytest.raises(ValueError, match=r"y expects labels that fit saw, 0, 1; got label 2"):
        model.score(X, LABELS + 1)
    with pytest.raises(ValueError, match="y expects 12 targets"):
        model.score(X, np.tile([0, 1], (12, 2)))


def test_one_sequence_cannot_be_split():
    with pytest.raises(ValueError, match=r"validation=0.2 expects at least 2 sequences to split; got 1"):
        SequenceRegressor(**OPTIONS, validation=0.2).fit([[1.0, 2.0]], [1.0])
    assert SequenceRegressor(**OPTIONS, validation=None).fit([[1.0, 2.0]], [1.0]).predict([[1.0]]).shape == (
        1,
    )


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="hidden"):
        SequenceClassifier(hidden=3)
    with pytest.raises(ValueError, match="Invalid parameter 'hidden'"):
        SequenceClassifier().set_params(hidden=3)
