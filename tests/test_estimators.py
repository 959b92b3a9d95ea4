"""What both estimators promise: scikit-learn's contract, seeds, threads, weights, warm starts, the fitted
state."""

import copy
import math
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from tidegate import Cosine, Initializers, Optimizer, SequenceClassifier, SequenceRegressor, Sequences
from tidegate.engine import Diverged, Stop
from tidegate.training.checkpoint import Checkpoint

SMALL = {"hidden_size": 6, "max_epochs": 4, "random_state": 0}


def ragged(count=24, features=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(rng.integers(3, 9), features)) for _ in range(count)]


X = ragged()
SUMS = np.array([sequence.sum() for sequence in X])
LABELS = np.where(np.median(SUMS) < SUMS, "high", "low")
CASES = [(SequenceClassifier, LABELS), (SequenceRegressor, SUMS)]
both = pytest.mark.parametrize(("kind", "y"), CASES, ids=["classifier", "regressor"])


def outputs(model, X=X):
    return model.decision_function(X) if isinstance(model, SequenceClassifier) else model.predict(X)


def same_bits(one, other, X=X):
    return all(
        np.array_equal(one.parameters_[name], other.parameters_[name]) for name in one.parameters_
    ) and np.array_equal(outputs(one, X), outputs(other, X))


@both
def test_clone_copies_options_and_no_fit(kind, y):
    model = kind("gru", dense=[(3, "tanh")], initializers=Initializers(bias="chrono"), **SMALL).fit(X, y)
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert not hasattr(copied, "network_")
    assert not hasattr(copied, "classes_")
    assert repr(copied) == repr(model)


@both
def test_works_in_a_grid_search_with_two_processes(kind, y):
    search = GridSearchCV(kind(**SMALL), {"cell": ["rnn", "gru"], "hidden_size": [2, 5]}, n_jobs=2, cv=2)
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.score(X, y) == search.score(X, y)


@both
def test_works_in_a_pipeline_and_in_cross_validation(kind, y):
    pipeline = make_pipeline(kind(**SMALL))
    assert np.isfinite(cross_val_score(pipeline, Sequences.from_any(X), y, cv=3)).all()
    step = pipeline.steps[0][0]
    pipeline.fit(X, y, **{f"{step}__sample_weight": np.ones(len(X))})
    assert len(pipeline.predict(X)) == len(X)


@pytest.fixture(scope="module")
def visits():
    """Sequences of which their time stamps alone tell the class."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(60) % 5 < 2).astype(int)
    times = np.where(labels, 20.0, 1.0)[:, np.newaxis] * np.arange(8)
    return Sequences.from_any(rng.normal(size=(60, 8, 1)), times=times), labels


def test_cross_validation_and_grid_search_see_the_time_stamps(visits):
    data, labels = visits
    model = SequenceClassifier("gru", hidden_size=4, missing="decay", learning_rate=0.05, random_state=0)
    pipeline, folds = make_pipeline(model), StratifiedKFold(3)
    by_hand = [
        clone(model).fit(data[training], labels[training]).score(data[test], labels[test])
        for training, test in folds.split(labels, labels)
    ]
    assert min(by_hand) > 0.9
    np.testing.assert_array_equal(cross_val_score(pipeline, data, labels, cv=folds), by_hand)
    search = GridSearchCV(model, {"hidden_size": [4]}, cv=folds).fit(data, labels)
    assert search.best_score_ == np.mean(by_hand)
    assert same_bits(search.best_estimator_, model.fit(data, labels), data)


@pytest.mark.parametrize("data", [X, Sequences.from_any(X)])
def test_a_committee_answers_with_the_mean_of_its_probabilities(data):
    labels = np.array(["a", "b", "c"])[np.arange(len(X)) % 3]
    networks = [SequenceClassifier(**{**SMALL, "random_state": seed}) for seed in range(3)]
    names = [f"seed {seed}" for seed in range(3)]
    committee = VotingClassifier(list(zip(names, networks)), voting="soft").fit(data, labels)
    expected = np.mean([network.fit(X, labels).predict_proba(X) for network in networks], axis=0)
    np.testing.assert_allclose(committee.predict_proba(data), expected, rtol=1e-6)
    np.testing.assert_array_equal(committee.predict(data), networks[0].classes_[expected.argmax(1)])


@both
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_every_backend_of_joblib_gives_the_same_bits(kind, y, backend):
    expected = cross_val_score(kind(**SMALL), Sequences.from_any(X), y, cv=3)
    with parallel_config(backend=backend, n_jobs=2):
        np.testing.assert_array_equal(
            cross_val_score(kind(**SMALL), Sequences.from_any(X), y, cv=3), expected
        )


@both
def test_cross_validation_keeps_groups_whole_and_passes_weights_on(kind, y, monkeypatch):
    groups = np.arange(len(X)) // 4
    numbered = [np.full((3, 1), float(number)) for number in range(len(X))]
    seen = []
    own_fit = kind.fit

    def fit(self, X, y, sample_weight=None):
        seen.append(({int(one[0, 0]) for one in X}, sample_weight))
        return own_fit(self, X, y, sample_weight)

    monkeypatch.setattr(kind, "fit", fit)
    weights = np.linspace(1.0, 2.0, len(X))
    with config_context(enable_metadata_routing=True):
        found = cross_validate(
            kind(**SMALL).set_fit_request(sample_weight=True).set_score_request(sample_weight=False),
            Sequences.from_any(numbered),
            y,
            cv=GroupKFold(3),
            params={"groups": groups, "sample_weight": weights},
        )
    assert np.isfinite(found["test_score"]).all()
    assert len(seen) == 3
    for numbers, own_weights in seen:
        trained_on = sorted(numbers)
        assert not set(groups[trained_on]) & set(np.delete(groups, trained_on))
        np.testing.assert_array_equal(own_weights, weights[trained_on])


@both
def test_a_data_frame_is_its_numbers_and_there_is_no_output_to_set(kind, y):
    """A prediction is no transformed X, so that set_output, which is for transformers, means nothing."""
    array = np.random.default_rng(1).normal(size=(len(y), 5))
    frame = pd.DataFrame(array, columns=list("abcde"), index=range(100, 100 + len(y)))
    model = kind(**SMALL).fit(frame, pd.Series(y, index=frame.index))
    assert same_bits(model, kind(**SMALL).fit(array, y), array)
    np.testing.assert_array_equal(outputs(model, frame), outputs(model, array))
    assert not hasattr(model, "set_output")
    assert not hasattr(model, "transform")


@both
def test_one_seed_gives_the_same_bits_whatever_the_threads(kind, y):
    one = kind(num_threads=1, dropout=0.3, **SMALL).fit(X, y)
    for num_threads in (1, 2, None):
        assert same_bits(one, kind(num_threads=num_threads, dropout=0.3, **SMALL).fit(X, y))
    assert not same_bits(one, kind(dropout=0.3, **{**SMALL, "random_state": 1}).fit(X, y))


def test_random_state_takes_what_scikit_learn_and_numpy_have():
    fitted = [
        SequenceRegressor(**{**SMALL, "random_state": state()}).fit(X, SUMS)
        for state in (
            lambda: 7,
            lambda: np.int64(7),
            lambda: np.random.default_rng(7),
            lambda: np.random.RandomState(7),
            lambda: np.random.RandomState(7),
        )
    ]
    assert same_bits(fitted[0], fitted[1])
    assert same_bits(fitted[0], fitted[2])
    assert same_bits(fitted[3], fitted[4])
    assert not same_bits(fitted[0], fitted[3])
    with pytest.raises(ValueError, match="random_state expects a whole number"):
        SequenceRegressor(random_state=-1).fit(X, SUMS)


@both
def test_the_four_forms_of_input_give_the_same_model(kind, y):
    array = np.random.default_rng(1).normal(size=(len(y), 5))
    forms = [array, array[:, :, None], [row[:, None] for row in array], Sequences.from_any(array)]
    models = [kind(**SMALL).fit(form, y) for form in forms]
    answers = [outputs(model, forms[0]) for model in models]
    for answer in answers[1:]:
        np.testing.assert_array_equal(answers[0], answer)


@both
def test_pickles_and_deep_copies_predict_the_same_bits(kind, y):
    model = kind(**SMALL).fit(X, y)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert same_bits(model, again)
        np.testing.assert_equal(again.history_, model.history_)
    assert "_executor" not in model.__getstate__()


@both
def test_predicting_from_several_threads_gives_the_same_bits(kind, y):
    model = pickle.loads(pickle.dumps(kind(**SMALL).fit(X, y)))
    expected = outputs(copy.deepcopy(model))
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(outputs(model))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    for answer in seen:
        np.testing.assert_array_equal(answer, expected)


@both
def test_a_weight_of_two_is_the_sequence_twice_in_full_batches(kind, y):
    options = {**SMALL, "batch_size": 1000, "validation": None, "patience": None, "dropout": 0.0}
    weights = np.ones(len(X))
    weights[::3] = 2.0
    twice = [*X, *X[::3]]
    weighted = kind(**options).fit(X, y, weights)
    repeated = kind(**options).fit(twice, np.concatenate([y, y[::3]]))
    np.testing.assert_allclose(weighted.history_["loss"], repeated.history_["loss"], rtol=1e-5)
    np.testing.assert_allclose(outputs(weighted), outputs(repeated), rtol=1e-3, atol=1e-4)


@both
def test_a_weight_of_zero_is_as_if_the_sequence_were_not_there(kind, y):
    weights = np.ones(len(X))
    weights[::4] = 0.0
    kept = np.flatnonzero(weights)
    weighted = kind(**SMALL).fit(X, y, weights)
    without = kind(**SMALL).fit([X[index] for index in kept], y[kept], weights[kept])
    assert same_bits(weighted, without)


@both
@pytest.mark.parametrize("weight", [1e-300, 0.5, 1e300])
def test_only_the_ratios_of_weights_count(kind, y, weight):
    assert same_bits(kind(**SMALL).fit(X, y), kind(**SMALL).fit(X, y, np.full(len(X), weight)))


@both
def test_warm_start_continues_from_the_fitted_weights_and_statistics(kind, y):
    # Plain SGD has no state of its own: two fits of two epochs are one of four, but for the order of visits.
    options = {
        **SMALL,
        "optimizer": Optimizer("sgd"),
        "batch_size": 1000,
        "validation": None,
        "patience": None,
        "clip_norm": None,
        "dropout": 0.0,
    }
    whole = kind(**{**options, "max_epochs": 4}).fit(X, y)
    halves = kind(**{**options, "max_epochs": 2, "warm_start": True}).fit(X, y)
    first = copy.deepcopy(halves)
    halves.fit(X, y)
    np.testing.assert_allclose(halves.history_["loss"], whole.history_["loss"], rtol=1e-5)
    assert halves.num_updates_ == 4
    assert halves.best_epoch_ == 4
    assert halves.seconds_ > first.seconds_
    shifted = [sequence + 100.0 for sequence in X]
    halves.fit(shifted, y)
    np.testing.assert_array_equal(halves.scaling_.mean, first.scaling_.mean)


@both
def test_warm_start_refuses_another_network(kind, y):
    model = kind(**SMALL, warm_start=True).fit(X, y)
    with pytest.raises(
        ValueError, match=r"warm_start expects the network of the fit before, \d+ parameters; got"
    ):
        model.set_params(hidden_size=7).fit(X, y)
    with pytest.raises(ValueError, match="X expects 2 features, as fit saw; got 3"):
        model.set_params(hidden_size=6).fit(ragged(features=3), y)
    again = model.set_params(warm_start=False, hidden_size=7).fit(X, y)
    assert again.num_parameters_ == sum(value.size for value in again.parameters_.values())


# Each option with a value that must change the result, and what else it needs.
OPTIONS = {
    "cell": ("gru", {}),
    "hidden_size": (7, {}),
    "num_layers": (2, {}),
    "bidirectional": (None, {}),  # the other of True and False
    "dropout": (0.6, {}),
    "input_dropout": (0.6, {}),
    "recurrent_dropout": (0.6, {}),
    "variational_dropout": (True, {"input_dropout": 0.5}),
    "zoneout": ({"h": 0.3}, {}),
    "pooling": ("mean", {}),
    "dense": ([(4, "relu")], {}),
    "optimizer": ("sgd", {}),
    "learning_rate": (0.05, {}),
    "schedule": (Cosine(warmup=0.5), {}),
    "batch_size": (5, {}),
    "max_epochs": (2, {}),
    "patience": (1, {"validation": None, "learning_rate": 0.5, "max_epochs": 20}),
    "min_delta": (10.0, {"max_epochs": 9, "patience": 2}),
    "validation": (None, {}),
    "clip_norm": (0.01, {"optimizer": "sgd"}),
    "input_noise": (0.1, {}),
    "weight_noise": (0.1, {}),
    "averaging": (0.5, {}),
    "initializers": ({"bias": "chrono"}, {}),
    "standardize": (False, {}),
    "missing": ("mask", {}),
    "padding": ("gate", {}),
    "random_state": (5, {}),
}
# tested on their own
UNCHANGING = {
    "warm_start",
    "num_threads",
    "verbose",
    "loss",
    "class_weight",
    "fill",
    "gap_dropout",
    "bptt_steps",
    "recompute",
}


@both
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_changes_the_result(kind, y, option):
    value, others = OPTIONS[option]
    options = {**SMALL, **others}
    if option == "bidirectional":
        value = not kind().bidirectional
    plain = kind(**options).fit(X, y)
    changed = kind(**{**options, option: value}).fit(X, y)
    assert not np.array_equal(outputs(plain), outputs(changed))


@both
def test_every_option_is_tested(kind, y):
    assert set(kind().get_params()) <= set(OPTIONS) | UNCHANGING


@both
def test_validation_takes_data(kind, y):
    given = kind(**SMALL, validation=(X[16:], y[16:])).fit(X[:16], y[:16])
    expected = given.score(X[16:], y[16:])
    assert given.history_["val_score"][given.best_epoch_ - 1] == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(given.scaling_.mean, np.concatenate(X[:16]).mean(axis=0))


@both
def test_a_validation_share_is_not_trained_on(kind, y):
    model = kind(**SMALL, validation=0.25, batch_size=1).fit(X, y)
    assert model.num_updates_ == 18 * len(model.history_["loss"])


@both
def test_early_stopping_keeps_the_best_epoch(kind, y):
    model = kind(hidden_size=6, random_state=0, learning_rate=0.1, patience=3, max_epochs=100).fit(X, y)
    losses = model.history_["val_loss"]
    assert model.best_epoch_ == int(np.argmin(losses)) + 1
    assert len(losses) == model.best_epoch_ + 3
    assert model.stopped_.startswith(
        "converged: val_loss fell by no more than min_delta=0 for patience=3 epochs"
    )


@both
def test_fitted_facts(kind, y):
    model = kind(**SMALL, bidirectional=True, num_layers=2, dense=[(3, "tanh")], dropout=0.1)
    assert model.fit(X, y) is model
    assert set(model.history_) == {"loss", "val_loss", "score", "val_score"}
    assert {len(values) for values in model.history_.values()} == {4}
    assert model.num_parameters_ == sum(value.size for value in model.parameters_.values())
    assert model.n_features_in_ == 2
    assert model.seconds_ > 0
    text = model.summary()
    assert f"{model.num_parameters_:,} parameters" in text
    assert "l1_reverse" in text
    assert "dropout 0.1" in text
    assert model.stopped_ in text


@both
def test_history_is_nan_without_validation(kind, y):
    model = kind(**SMALL, validation=None).fit(X, y)
    assert all(math.isnan(value) for value in model.history_["val_loss"] + model.history_["val_score"])
    assert all(math.isfinite(value) for value in model.history_["loss"] + model.history_["score"])


@both
def test_standardised_inputs_forget_their_unit(kind, y):
    scaled = [sequence * [1e3, 1e-3] + [5.0, -7.0] for sequence in X]
    plain, other = kind(**SMALL).fit(X, y), kind(**SMALL).fit(scaled, y)
    np.testing.assert_allclose(outputs(plain), outputs(other, scaled), rtol=1e-3, atol=1e-4)


@both
def test_constant_channels_are_harmless(kind, y):
    constant = [np.column_stack([sequence, np.full(len(sequence), 0.1)]) for sequence in X]
    model = kind(**SMALL).fit(constant, y)
    assert model.scaling_.scale[2] == 1.0
    assert np.isfinite(model.history_["loss"]).all()


@both
def test_a_stop_before_the_first_epoch_leaves_the_estimator_as_it_was(kind, y):
    model = kind(**SMALL)
    stop = Stop()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        model._fit(X, y, stop=stop)
    assert not hasattr(model, "network_")


@both
def test_a_stop_after_an_epoch_leaves_a_fitted_model(kind, y):
    model = kind(**SMALL)
    stop = Stop()

    def watch(run):
        if run.epoch == 2:
            stop.set()

    with pytest.raises(KeyboardInterrupt):
        model._fit(X, y, stop=stop, watch=watch)
    assert model.stopped_.startswith("interrupted after")
    assert len(model.history_["loss"]) == 2
    assert len(model.predict(X)) == len(X)


def test_divergence_warns_and_keeps_the_best_weights():
    # One step of plain gradient descent an epoch, far too long: the squared error grows until it overflows.
    model = SequenceRegressor(
        **{**SMALL, "max_epochs": 500},
        optimizer=Optimizer("sgd"),
        learning_rate=20.0,
        clip_norm=None,
        batch_size=1000,
        patience=None,
    )
    with pytest.warns(ConvergenceWarning, match=r"training diverged in epoch \d+: update 1 of 1"):
        model.fit(X, SUMS)
    assert model.best_epoch_ < len(model.history_["loss"]) < 500
    assert np.isfinite(model.predict(X)).all()


def test_divergence_in_the_first_epoch_leaves_the_estimator_as_it_was():
    model = SequenceRegressor(**SMALL, optimizer="sgd", learning_rate=1e30, clip_norm=None, batch_size=1)
    with pytest.raises(Diverged, match=r"in epoch 1: update .* is not finite.*lower learning_rate"):
        model.fit(X, SUMS)
    assert not hasattr(model, "network_")


@both
def test_unfitted_models_say_so(kind, y):
    with pytest.raises(NotFittedError, match="call fit first"):
        kind().predict(X)
    with pytest.raises(NotFittedError, match="call fit first"):
        kind().summary()
    with pytest.raises(NotFittedError, match="call fit first"):
        kind().save("never.safetensors")


def test_an_interrupted_fit_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 6, 2)), rng.integers(0, 2, 40)
    options = {"hidden_size": 5, "max_epochs": 6, "patience": None, "random_state": 3, "input_noise": 0.2}
    expected = SequenceClassifier("gru", **options).fit(X, y)
    path, stop = tmp_path / "state", Stop()

    def stop_after_three_epochs(run):
        if run.epoch == 3:
            stop.set()

    model = SequenceClassifier("gru", **options)
    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (0.0,))
    with pytest.raises(KeyboardInterrupt):
        model._fit(X, y, stop=stop, watch=stop_after_three_epochs, checkpoint=path)
    assert path.exists()
    with pytest.raises(ValueError, match="got that of another"):
        SequenceClassifier("gru", **options).fit(X**3, y, checkpoint=path)
    model.fit(X, y, checkpoint=path)
    assert not path.exists()
    assert model.history_ == expected.history_
    np.testing.assert_array_equal(model.decision_function(X), expected.decision_function(X))
    with pytest.raises(ValueError, match="whole number as random_state"):
        SequenceClassifier("gru").fit(X, y, checkpoint=path)


def test_a_run_that_explodes_goes_through_with_clipping():
    options = {"max_epochs": 20, "learning_rate": 1.0, "batch_size": 4, "patience": None, "validation": None}
    model = SequenceRegressor("rnn", **{**SMALL, **options}, optimizer=Optimizer("sgd"))
    model.set_params(clip_norm=None)
    message = (
        r"in epoch \d+: update \d of 6 .* met a gradient of weight_ih_l0, .* not finite; .*set clip_norm"
    )
    with pytest.warns(ConvergenceWarning, match=message):
        model.fit(X, 1e3 * SUMS)
    model.set_params(clip_norm=0.1).fit(X, 1e3 * SUMS)
    assert len(model.history_["loss"]) == 20
    assert np.isfinite(model.history_["loss"]).all()
