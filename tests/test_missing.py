"""Missing values, irregular time and padding, from arrays and files to predictions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidegate
from tidegate import SequenceClassifier, SequenceRegressor, Sequences, persistence
from tidegate.data import load_japanese_vowels
from tidegate.data.stamps import KINDS
from tidegate.models.gaps import FILLS, Gaps, with_gaps_of_others
from tidegate.models.rows import Rows, numbers_of_steps
from tidegate.models.scaling import Scaling

SMALL = {"hidden_size": 5, "max_epochs": 3, "random_state": 0, "num_threads": 1}
WAYS = [("fill", fill) for fill in FILLS] + [("mask", fill) for fill in FILLS] + [("decay", "mean")]
NAN = math.nan


def gappy(seed=0, share=0.4, num_sequences=24, times=False):
    """Sequences with gaps, and the sum of what all values were."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 9, num_sequences)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = rng.normal(size=(offsets[-1], 3))
    y = np.add.reduceat(values.sum(axis=1), offsets[:-1])
    values[rng.random(values.shape) < share] = np.nan
    stamps = np.cumsum(rng.integers(1, 100, offsets[-1])) if times else None
    return Sequences(values, offsets, times=stamps), y


def moved(X, values=None, times=None):
    return Sequences(X.values if values is None else values, X.offsets, X.ids, times)


def inputs_by_steps(X, interval):
    """Last value and time elapsed as Che et al. write them, step by step; before the first value NaN."""
    last, elapsed = np.full(X.values.shape, NAN), np.zeros(X.values.shape)
    for start, stop in zip(X.offsets[:-1], X.offsets[1:]):
        for t in range(start, stop):
            for d in range(X.num_features):
                seen = not np.isnan(X.values[t, d])
                last[t, d] = X.values[t, d] if seen or t == start else last[t - 1, d]
                if t > start:
                    gap = (X.times[t] - X.times[t - 1]) / interval
                    before = not np.isnan(X.values[t - 1, d])
                    elapsed[t, d] = gap if before else gap + elapsed[t - 1, d]
    return last, elapsed


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.0, 0.3, 0.9]))
def test_the_inputs_of_every_way_are_those_of_the_definition(seed, share):
    X, _ = gappy(seed, share, 5, times=True)
    mean = (0.5, -1.0, 2.0)
    scaling = Scaling(np.array([0.5, 0.0, 2.0]), np.array([1.0, 2.0, 4.0]))
    last, elapsed = inputs_by_steps(X, 7.0)

    def of(missing, fill, both=False):
        return Gaps(missing, fill, mean, 7.0).inputs("X", X, scaling, "float64", both)

    def scaled(values):
        return (values - scaling.mean) / scaling.scale

    for fill, value in (("mean", np.array(mean)), ("zero", np.zeros(3)), ("last", np.array(mean))):
        source = last if fill == "last" else X.values
        expected = scaled(np.where(np.isnan(source), value, source))
        np.testing.assert_allclose(of("fill", fill)["x"], expected, atol=1e-12)
        beside = [expected, X.observed, np.log1p(elapsed)]
        np.testing.assert_allclose(of("mask", fill)["x"], np.concatenate(beside, axis=1), atol=1e-12)
    decayed = of("decay", "mean", both=True)
    centred = np.nan_to_num(scaled(last) - scaled(np.array(mean)))
    np.testing.assert_allclose(decayed["x"], centred, atol=1e-12)
    np.testing.assert_allclose(decayed["elapsed"], elapsed, atol=1e-12)
    np.testing.assert_array_equal(decayed["observed"], X.observed)
    for one in range(len(X)):
        turned = Sequences(X[one][::-1], [0, len(X[one])], times=-X[one : one + 1].times[::-1])
        last_turned, elapsed_turned = inputs_by_steps(turned, 7.0)
        rows = slice(X.offsets[one], X.offsets[one + 1])
        expected = np.nan_to_num(scaled(last_turned) - scaled(np.array(mean)))[::-1]
        np.testing.assert_allclose(decayed["x_reverse"][rows], expected, atol=1e-12)
        np.testing.assert_allclose(decayed["elapsed_reverse"][rows], elapsed_turned[::-1], atol=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("missing", "fill"), WAYS)
def test_every_way_learns_predicts_and_is_saved(tmp_path, missing, fill, bidirectional):
    X, y = gappy(times=True)
    options = {**SMALL, "bidirectional": bidirectional, "num_layers": 2, "gap_dropout": 0.0}
    model = SequenceRegressor("gru", **options, missing=missing, fill=fill).fit(X, y)
    assert model.history_["loss"][-1] < model.history_["loss"][0]
    predicted = model.predict(X)
    assert np.isfinite(predicted).all()
    model.save(tmp_path / "model.safetensors")
    again = tidegate.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), predicted)
    assert again.gaps_ == model.gaps_
    np.testing.assert_array_equal([model.predict(X[i : i + 1])[0] for i in range(len(X))], predicted)


def test_ways_and_fills_differ():
    X, y = gappy()
    found = [SequenceRegressor("gru", **SMALL, missing=m, fill=f).fit(X, y).predict(X) for m, f in WAYS]
    for index, one in enumerate(found):
        assert not any(np.array_equal(one, other) for other in found[:index])


def test_statistics_are_of_what_was_seen_in_training():
    X, y = gappy(times=True)
    model = SequenceRegressor(**SMALL, missing="mask", validation=None).fit(X, y)
    np.testing.assert_allclose(model.scaling_.mean, np.nanmean(X.values, axis=0))
    np.testing.assert_allclose(model.scaling_.scale, np.nanstd(X.values, axis=0))
    np.testing.assert_allclose(model.gaps_.mean, np.nanmean(X.values, axis=0))
    within = np.concatenate([np.diff(X[i : i + 1].times) for i in range(len(X))])
    assert model.gaps_.interval == np.median(within)


@pytest.mark.parametrize("missing", ["mask", "decay"])
@pytest.mark.parametrize("factor", [60, 1 / 1024])
def test_a_change_of_the_unit_of_time_changes_nothing(missing, factor):
    X, y = gappy(times=True)
    scaled = moved(X, times=X.times * factor)
    model = SequenceRegressor("lstm", **SMALL, missing=missing)
    before = model.fit(X, y).predict(X)
    np.testing.assert_array_equal(model.fit(scaled, y).predict(scaled), before)


@pytest.mark.parametrize("missing", ["mask", "decay"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_gap_of_ten_days_is_not_one_of_ten_minutes(cell, missing):
    X, y = gappy(times=True)
    model = SequenceRegressor(cell, **SMALL, missing=missing).fit(X, y)
    minute, day = 60.0, 86_400.0
    answers = [
        model.predict(Sequences(np.ones((3, 3)), [0, 3], times=[0, gap, gap + minute]))
        for gap in (10 * minute, 10 * day)
    ]
    assert answers[0] != answers[1]


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
def test_without_gaps_the_default_has_the_bits_of_refuse_with_time_stamps_or_without(kind):
    X, y = gappy(share=0.0, times=True)
    y = (y > 0).astype(int) if kind is SequenceClassifier else y
    expected = kind(**SMALL, missing="refuse").fit(moved(X), y)
    for same in (kind(**SMALL).fit(X, y), kind(**SMALL).fit(list(X), y)):
        assert same.history_ == expected.history_
        np.testing.assert_array_equal(same.predict(X), expected.predict(X))
        assert (same.gaps_, same.network_) == (Gaps("refuse"), expected.network_)


def test_with_gaps_the_default_is_decay_wherever_they_are():
    X, y = gappy()
    whole, _ = gappy(share=0.0)
    decayed = SequenceRegressor(**SMALL, missing="decay")
    np.testing.assert_array_equal(
        SequenceRegressor(**SMALL).fit(X, y).predict(X), decayed.fit(X, y).predict(X)
    )
    model = SequenceRegressor(**SMALL, validation=(X, y)).fit(whole, y)
    assert model.gaps_.missing == "decay"
    with pytest.raises(ValueError, match=r"X expects finite numbers.*got NaN in sequence 0 at step"):
        SequenceRegressor(**SMALL).fit(whole, y).predict(X)


@pytest.mark.parametrize("missing", ["mask", "decay"])
def test_a_gap_of_any_length_has_a_finite_answer(missing):
    X, y = gappy(times=True)
    model = SequenceRegressor("lstm", **SMALL, missing=missing).fit(X, y)
    for gap in (1e-300, 1e15, 1e300):
        assert np.isfinite(model.predict(Sequences(np.ones((2, 3)), [0, 2], times=[0, gap]))).all()


def test_a_warm_start_keeps_the_way_and_what_was_learnt():
    X, y = gappy()
    model = SequenceRegressor(**SMALL, missing="mask", warm_start=True).fit(X, y)
    learnt = model.gaps_
    assert model.fit(gappy(1)[0], y).gaps_ is learnt
    with pytest.raises(
        ValueError, match=r"warm_start expects missing='mask'.* got 'decay': pass warm_start=F"
    ):
        model.set_params(missing="decay").fit(X, y)


def test_time_stamps_of_fit_are_needed_to_predict():
    X, y = gappy(times=True)
    for one, other, message in ((X, moved(X), "time stamps.* got none"), (moved(X), X, "no time .* some")):
        model = SequenceRegressor(**SMALL).fit(one, y)
        with pytest.raises(ValueError, match=f"X expects {message}"):
            model.predict(other)


def stamped(X, kind):
    """The same with whole seconds as stamps of this kind."""
    seconds = X.times.astype("m8[s]")
    times = {"numbers": X.times, "durations": seconds, "dates": np.datetime64("2024-01-01") + seconds}[kind]
    return moved(X, times=times)


kinds = pytest.mark.parametrize(
    ("own", "other"), [(own, other) for own in KINDS for other in KINDS if own != other]
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_time_stamps_goes_where_the_sequences_go(kind):
    X = stamped(gappy(times=True)[0], kind)
    seconds = np.arange(6).reshape(2, 3)
    own = {"numbers": seconds, "durations": seconds.astype("m8[s]"), "dates": seconds.astype("M8[s]")}[kind]
    more = X.with_padding(9)
    made = [X, X[3:], X[[0, 2]], X[X.lengths > 3], X.take([1]), X.frames(2, 1), X.differences(), more]
    made += [
        more.without_padding(),
        more[2:],
        X.with_gaps(X.observed),
        Sequences.from_any(X, ids=range(len(X))),
    ]
    made += [Sequences(X.values, X.offsets, times=X.times, time_kind=kind)]
    made += [
        Sequences.from_padded(seconds, [2, 3], padding=way, times=own) for way in ("skip", "keep", "input")
    ]
    made += [Sequences(more.values, more.offsets, None, more.times, more.padding, kind)]
    made += [
        Rows.of(X).take(np.array([2, 0])).sequences,
        numbers_of_steps("x", [X[:1], None, X[1:2]]).sequences,
    ]
    assert [one.time_kind for one in made] == [kind] * len(made)
    assert moved(X).time_kind is Sequences.from_any([[1.0]]).time_kind is None


def test_the_kind_of_time_stamps_may_be_said_of_numbers_alone():
    days = np.array(["2024-01-01", "2024-01-02"], "M8[D]")
    for times, said, message in (
        (days, "numbers", "time_kind expects dates; got 'numbers': leave it out"),
        (None, "dates", "time_kind expects None, without times; got 'dates'"),
        ([0, 1], "date", "time_kind expects one of .*did you mean 'dates'"),
    ):
        with pytest.raises(ValueError, match=message):
            Sequences([1.0, 2.0], [0, 2], times=times, time_kind=said)


@kinds
@pytest.mark.parametrize("missing", ["mask", "decay"])
def test_time_stamps_of_another_kind_than_those_of_fit_are_refused(own, other, missing, tmp_path):
    X, y = gappy(times=True)
    X, others, classes = stamped(X, own), stamped(X, other), (y > 0).astype(int)
    message = f"expects time stamps that are {own}, as fit saw; got {other}: convert them to {own}, or fit wi"
    options = {**SMALL, "missing": missing, "max_epochs": 1, "bidirectional": False, "pooling": "last"}
    regressor = SequenceRegressor(**options).fit(X, y)
    classifier = SequenceClassifier(**options).fit(X, classes)
    classifier.save(tmp_path / "model.safetensors")
    loaded = tidegate.load(tmp_path / "model.safetensors")
    model = tidegate.SequenceModel(
        inputs={"x": tidegate.Numeric(missing=missing)}, targets={"y": tidegate.MultiClass()},
        max_epochs=1, bidirectional=False, pooling="last",
    ).fit({"x": X, "y": classes})  # fmt: skip
    for call in (
        lambda X: regressor.predict(X),
        lambda X: regressor.score(X, y),
        lambda X: classifier.predict_proba(X),
        lambda X: loaded.score(X, classes),
        lambda X: SequenceRegressor(**options, warm_start=True).fit(stamped(X, own), y).fit(X, y),
        lambda X: model.predict({"x": X}),
        lambda X: model.evaluate({"x": X, "y": classes}),
    ):
        call(X)
        with pytest.raises(ValueError, match=rf"(X|inputs\['x'\]) {message}"):
            call(others)
    validated = SequenceRegressor(**options, validation=(others, y))
    with pytest.raises(ValueError, match=rf"validation\[0\] {message}"):
        validated.fit(X, y)
    stamps = {"numbers": 1.0, "durations": np.timedelta64(1, "s"), "dates": "2024-01-01"}
    for stream, step in ((classifier.stream(), np.ones(3)), (model.stream(), {"x": np.ones(3)})):
        stream.step(step, stamps[own])
        with pytest.raises(ValueError, match=f"times {message}"):
            stream.step(step, stamps[other])


def test_the_parts_of_a_comparison_have_stamps_of_one_kind():
    X, y = gappy(times=True)
    with pytest.raises(ValueError, match="X_test expects time stamps that are numbers, as X has; got dates"):
        tidegate.compare(X, y, cells=["rnn", "gru"], test=(stamped(X, "dates"), y), **FAST)


def test_a_model_file_of_an_earlier_version_takes_stamps_of_any_kind(tmp_path):
    X, y = gappy(times=True)
    model = SequenceRegressor(**SMALL).fit(X, y)
    model.save(tmp_path / "new.safetensors")
    document, arrays = persistence.read(tmp_path / "new.safetensors")
    assert document["encoders"][""]["gaps"].pop("time_kind") == "numbers"
    persistence.write(tmp_path / "old.safetensors", document, arrays)
    old = tidegate.load(tmp_path / "old.safetensors")
    for kind in KINDS:
        np.testing.assert_array_equal(old.predict(stamped(X, kind)), model.predict(X))


@pytest.mark.parametrize(
    ("first", "second", "got"),
    [
        ([0, 1], ["2024-01-01", "2024-01-02"], ("numbers", "dates")),
        (np.array([0, 1], "m8[s]"), [0, 1], ("durations", "numbers")),
        (
            ["2024-01-01", "2024-01-02"],
            ["2024-01-01T00Z", "2024-01-02T00Z"],
            ("dates", "dates with a"),
        ),
        (
            ["2024-01-01T00Z", "2024-01-02T00Z"],
            np.array([0, 1], "M8[D]"),
            ("dates with a time zone", "dates"),
        ),
    ],
)
def test_stamps_of_two_kinds_in_one_call_are_refused(first, second, got):
    with pytest.raises(ValueError, match=rf"times\[1\] expects {got[0]}, as times\[0\] has; got {got[1]}"):
        Sequences.from_any(np.ones((2, 2)), times=[first, second])
    if got == ("dates", "dates with a"):
        options = {**SMALL, "max_epochs": 1, "missing": "decay", "pooling": "last", "validation": None}
        X = Sequences.from_any(np.ones((2, 2)), times=[first, first])
        stream = SequenceRegressor(**options).fit(X, [0.0, 1.0]).stream()
        stream.step([1.0], first[0])
        with pytest.raises(ValueError, match="times expects dates, as the step before had; got dates with a"):
            stream.step([1.0], second[1])


def test_streams_that_are_aligned_have_stamps_of_one_kind():
    X, y = gappy(share=0.0, times=True)
    model = tidegate.SequenceModel(
        inputs={"a": tidegate.Numeric(), "b": tidegate.Numeric(stream="other", align=True)},
        targets={"y": tidegate.Regression()},
        max_epochs=1,
    )
    model.fit({"a": X, "b": X, "y": y})
    with pytest.raises(ValueError, match="align expects time stamps of one kind; got dates of stream 'main'"):
        model.predict({"a": stamped(X, "dates"), "b": X})


def test_missing_targets_of_steps_weigh_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 6, 2))
    y = X.sum(axis=2)
    weights = (rng.random(y.shape) < 0.6).astype(float)
    weights[3] = 0.0
    with_gaps = np.where(weights > 0, y, NAN)
    for kind, targets in ((SequenceRegressor, y), (SequenceClassifier, (y > 0).astype(float))):
        with_gaps = np.where(weights > 0, targets, NAN)
        model = kind("gru", **SMALL, validation=None)
        weighted = model.fit(X, targets, weights).predict(X)
        score = model.score(X, targets, weights)
        np.testing.assert_array_equal(model.fit(X, with_gaps).predict(X), weighted)
        assert model.score(X, with_gaps) == pytest.approx(score, abs=1e-12)
    with pytest.raises(ValueError, match="y expects a target at some steps; got NaN at all"):
        SequenceRegressor(**SMALL).fit(X, np.full(y.shape, NAN))
    comparison = tidegate.compare(X, with_gaps, cells=["rnn", "gru"], task="classification", seeds=2, **FAST)
    assert len(comparison.cells) == 2


FAST = {"hidden_size": 3, "max_epochs": 2, "progress": False}


@pytest.mark.parametrize("missing", [None, "mask"])
def test_a_comparison_takes_gaps_in_one_way_for_all(missing):
    X, y = gappy(share=0.05)
    labels = np.where(y > np.median(y), "high", "low")
    comparison = tidegate.compare(X, labels, cells=["lstm", "gru"], seeds=2, missing=missing, **FAST)
    assert comparison.settings["missing"] == (missing or "decay")
    sizes = {replica.num_parameters for result in comparison.cells for replica in result.replicas}
    assert len(sizes) == 2


def test_observed_and_time_stamps_travel_with_the_values():
    x = np.arange(12.0).reshape(2, 3, 2)
    observed = x % 5 != 0
    days = np.array([["2024-01-01", "2024-01-02", "2024-01-09"]] * 2, dtype="datetime64[D]")
    X = Sequences.from_any(x, observed=observed, times=days)
    np.testing.assert_array_equal(X.observed, observed.reshape(6, 2))
    np.testing.assert_array_equal(X.values[X.observed], x[observed])
    assert np.diff(X[1:].times).tolist() == [86_400, 7 * 86_400]
    listed = Sequences.from_any(list(x), observed=list(observed), times=[list(d) for d in days.astype(str)])
    np.testing.assert_array_equal(listed.values, X.values)
    np.testing.assert_array_equal(listed.times, X.times)
    assert x[0, 0, 0] == 0.0  # the caller's array is as it was


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"observed": np.ones((2, 2), bool)}, "observed expects booleans in the shape of X, 6 steps of 2"),
        ({"observed": np.ones((2, 3, 2))}, "observed expects booleans .* got float64"),
        ({"observed": [np.ones((3, 2), bool), np.ones((2, 2), bool)]}, r"observed\[1\] expects the shape"),
        ({"times": [[0, 1, 2], [0, 2, 1]]}, "got 1.0 after 2.0 in sequence 1 at step 2: put the steps in"),
        ({"times": [[0, 1, 1], [0, 1, 2]]}, "got 1.0 twice in sequence 0 at step 2: leave one"),
        ({"times": [[0, 1, 2], [0, NAN, 2]]}, "a finite number or a date .* got nan in sequence 1 at step 1"),
        ({"times": [["2024-01-01", "2024-01-0x", "x"]] * 2}, r"times\[0\] expects .* got '2024-01-0x' in"),
        ({"times": np.array([["2024-01-01", "2024-02-01", "x"]] * 2)}, "got 'x' in sequence 0 at step 2"),
        ({"times": [[0, 1, 2], [0, 1]]}, r"times\[1\] expects one stamp for each of 3 steps"),
        ({"times": np.arange(5)}, r"times expects one stamp for each of 6 steps; got shape \(5,\)"),
        ({"times": np.array([[True] * 3] * 2)}, "times expects numbers or dates; got bool"),
    ],
)  # fmt: skip
def test_bad_stamps_and_masks_name_the_sequence_the_step_and_the_remedy(given, message):
    x = np.ones((2, 3, 2))
    with pytest.raises(ValueError, match=message) as error:
        Sequences.from_any(x, **given)
    assert ": " in str(error.value)


class TestPadding:
    @settings(deadline=None, max_examples=25)
    @given(seed=st.integers(0, 1000), num_padded=st.integers(0, 6))
    def test_skipped_steps_are_as_if_not_there_wherever_they_stand(self, seed, num_padded):
        X, y = gappy(seed % 5, times=True)
        rng = np.random.default_rng(seed)
        steps = int(X.lengths.max()) + num_padded
        x, times = rng.normal(size=(len(X), steps, 3)), np.full((len(X), steps), NAN)
        mask = np.zeros((len(X), steps), bool)
        for index, length in enumerate(X.lengths):
            places = np.sort(rng.permutation(steps)[:length])
            mask[index, places] = True
            x[index, places] = X[index]
            times[index, places] = X[index : index + 1].times
        padded = Sequences.from_padded(x, mask=mask, times=times)
        for part in ("values", "offsets", "times"):
            np.testing.assert_array_equal(getattr(padded, part), getattr(X, part))
        order = rng.permutation(len(X))
        model = SequenceRegressor("gru", **{**SMALL, "max_epochs": 1}).fit(X, y)
        some = order[: 1 + seed % 9]
        np.testing.assert_array_equal(model.predict(padded.take(some)), model.predict(X)[some])

    def test_as_input_it_is_steps_of_zeros(self):
        x = np.arange(1.0, 13.0).reshape(2, 3, 2)
        mask = np.array([[True, False, True], [False, True, True]])
        as_input = Sequences.from_padded(x, mask=mask, padding="input")
        np.testing.assert_array_equal(as_input.values, (x * mask[:, :, np.newaxis]).reshape(6, 2))
        assert as_input.lengths.tolist() == [3, 3]
        turned = Sequences.from_padded(
            x.swapaxes(0, 1), mask=mask.T, padding="input", time_major=True, observed=np.ones((3, 2, 2), bool)
        )
        np.testing.assert_array_equal(turned.values, as_input.values)


def test_tables_with_gaps_and_times_go_from_fit_to_predict(run, folder):
    header, *rows = (folder / "speakers.csv").read_text().splitlines()
    rng = np.random.default_rng(0)
    lines = [header]
    for row in rows:
        fields = row.split(",")
        lines.append(",".join(fields[:3] + [f if rng.random() < 0.6 else "" for f in fields[3:]]))
    (folder / "gappy.csv").write_text("\n".join(lines) + "\n")
    columns = ["gappy.csv", "--id", "utterance", "--time", "step", "--target", "speaker"]
    quick = ["--max-epochs", "2", "--hidden-size", "4"]
    for way in ([], ["--missing", "mask", "--fill", "last"]):
        output = ["--output", folder / f"model{len(way)}.safetensors"]
        code, out, err = run("fit", *columns, *quick, *way, *output)
        assert (code, err) == (0, "")
        assert "of the values" in out
        model = tidegate.load(output[1])
        assert (model.gaps_.missing, model.gaps_.interval) == ("mask" if way else "decay", 1.0)
        assert run("predict", output[1], "gappy.csv", "--format", "csv")[0] == 0
        assert run("evaluate", output[1], "gappy.csv")[0] == 0
    assert run("compare", *columns, *quick, "--seeds", "2", "--missing", "fill", "--cells", "gru,rnn")[0] == 0
    for way, message in (
        ("refuse", "finite numbers, as --missing refuse has it"),
        ("guess", "--missing expects one of"),
    ):
        code, _, err = run("fit", *columns, *quick, "--missing", way, "--output", "new.safetensors")
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
        assert not (folder / "new.safetensors").exists()


@pytest.mark.parametrize("described", [False, True])
def test_a_table_of_dates_is_none_of_numbers(run, folder, described):
    rng = np.random.default_rng(0)

    def table(name, stamp):
        rows = [
            f"{i},{stamp(day)},{rng.normal():.3f},{'ab'[i % 2]}" for i in range(12) for day in range(1, 6)
        ]
        (folder / name).write_text("\n".join(["who,when,x,y", *rows]) + "\n")

    table("dates.csv", lambda day: f"2024-01-{2 * day:02}")
    table("numbers.csv", lambda day: day)
    output = ["--output", folder / "model.safetensors"]
    if described:
        lines = ["[data]", 'file = "dates.csv"', 'id = ["who"]', 'time = "when"', "[inputs.x]"]
        lines += ['kind = "numeric"', 'missing = "decay"', "[targets.y]", 'kind = "multi_class"']
        lines += ["[model]", "max_epochs = 1"]
        (folder / "model.toml").write_text("\n".join(lines))
        assert run("fit", "model.toml", *output)[0] == 0
    else:
        columns = [
            "--id",
            "who",
            "--time",
            "when",
            "--target",
            "y",
            "--missing",
            "decay",
            "--max-epochs",
            "1",
        ]
        assert run("fit", "dates.csv", *columns, *output)[0] == 0
    for command in ("predict", "evaluate"):
        assert run(command, output[1], "dates.csv")[0] == 0
        code, _, err = run(command, output[1], "numbers.csv")
        assert code == 2
        assert "expects time stamps that are dates, as fit saw; got numbers: convert them to dates" in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("make", ["pandas", "polars", "pyarrow"])
def test_frames_keep_missing_values_of_every_type(make):
    columns = {"t": [0, 1, 2], "whole": [1, None, 3], "part": [0.5, 1.5, None], "on": [True, None, False]}
    module = pytest.importorskip(make)
    frame = module.table(columns) if make == "pyarrow" else module.DataFrame(columns)
    if make == "pandas":
        frame = frame.convert_dtypes()
    data = tidegate.read(frame, time="t")
    np.testing.assert_array_equal(data.X.values, [[1, 0.5, 1], [NAN, 1.5, NAN], [3, NAN, 0]])
    assert data.X.times.tolist() == data.times.tolist() == [0, 1, 2]
    assert "missing: 33.3% of the values, in 2 steps" in data.describe()


def test_decay_and_mask_tell_speakers_apart_with_half_of_the_values_gone():
    vowels = load_japanese_vowels()
    rng = np.random.default_rng(0)
    values = [np.where(rng.random(X.values.shape) < 0.5, NAN, X.values) for X in (vowels.X, vowels.X_test)]
    X, X_test = (moved(part, own) for part, own in zip((vowels.X, vowels.X_test), values))
    for missing in ("decay", "mask"):
        model = SequenceClassifier("gru", hidden_size=32, random_state=0, missing=missing).fit(X, vowels.y)
        assert model.score(X_test, vowels.y_test) > 0.9


@pytest.mark.parametrize("missing", ["mask", "decay"])
def test_when_something_was_seen_counts_for_nothing_at_the_start(missing):
    X, y = gappy()
    options = {"max_epochs": 1, "learning_rate": 1e-12, "validation": None, "random_state": 0}
    model = SequenceRegressor("gru", missing=missing, **options).fit(X, y)
    weights = model.parameters_["weight_ih_l0"]
    assert weights.shape[1] == (2 if missing == "decay" else 3) * X.num_features
    of_values, of_gaps = weights[:, : X.num_features], weights[:, X.num_features :]
    assert np.abs(of_gaps).max() < 1e-9 < 0.01 < np.abs(of_values).max()


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_decay_learns_of_intervals_below_the_usual_one_as_of_those_above(share):
    # Only the intervals tell the classes apart, 1 day or 20; the share of either decides which is the usual.
    rng = np.random.default_rng(0)
    late = rng.permutation(120) < share * 120
    days = np.where(late, 20.0, 1.0)[:, np.newaxis] * np.arange(1, 11)
    X = Sequences.from_any(rng.normal(size=(120, 10, 1)), times=days)
    training = np.arange(120) < 80
    model = SequenceClassifier(
        "gru",
        hidden_size=8,
        max_epochs=60,
        learning_rate=0.02,
        patience=None,
        missing="decay",
        random_state=0,
        num_threads=1,
    ).fit(X[training], late[training])
    assert model.gaps_.interval == (20.0 if share > 0.5 else 1.0)
    assert model.score(X[~training], late[~training]) > 0.95


def test_the_decay_of_states_begins_below_the_usual_interval_in_streams_with_time_stamps_alone():
    timed, plain = gappy(times=True)[0], gappy(seed=1)[0]
    model = tidegate.SequenceModel(
        {name: tidegate.Numeric(missing="decay", stream=name) for name in ("timed", "plain")},
        {"y": tidegate.Regression()},
        bidirectional=False,
        learning_rate=0,
        **SMALL,
    ).fit({"timed": timed, "plain": plain, "y": np.arange(len(timed))})
    begins = {name: model.parameters_[f"bias_{name}/l0_decay"] for name in ("timed", "plain")}
    np.testing.assert_allclose(begins["plain"], -0.1, rtol=1e-6)
    np.testing.assert_allclose(begins["timed"], -0.1 * np.linspace(0, 1, 5), rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), rate=st.sampled_from([0.0, 0.5, 1.0]))
def test_a_sequence_may_lack_what_another_one_lacks(seed, rate):
    X, _ = gappy(seed, num_sequences=20, times=True)
    more = with_gaps_of_others(X, rate, np.random.default_rng(seed))
    np.testing.assert_array_equal(more.times, X.times)
    np.testing.assert_array_equal(more.offsets, X.offsets)
    changed = 0
    for own, got in zip(X, more, strict=True):
        there = ~np.isnan(got)
        np.testing.assert_array_equal(got[there], own[there])
        gaps_of_others = [np.isnan(np.resize(other, own.shape)) for other in X]
        unions = [np.isnan(own) | gaps for gaps in gaps_of_others]
        as_it_was = np.array_equal(~there, np.isnan(own))
        assert as_it_was or any(np.array_equal(~there, union) for union in unions)
        changed += not as_it_was
    assert (changed > 0) == (rate > 0.0)


@pytest.mark.parametrize(("missing", "expected"), [("fill", 0.0), ("mask", 0.5), ("decay", 0.5)])
@pytest.mark.parametrize("padding", ["skip", "gate"])
def test_gaps_of_others_are_drawn_in_training_where_the_network_reads_gaps(missing, expected, padding):
    X, y = gappy()
    found = {
        rate: SequenceRegressor("gru", **SMALL, missing=missing, padding=padding, gap_dropout=rate).fit(X, y)
        for rate in (None, 0.0, 0.5)
    }
    losses = {rate: model.history_["loss"] for rate, model in found.items()}
    assert losses[None] == losses[expected]
    assert losses[0.0] != losses[0.5]
    np.testing.assert_array_equal(found[0.0].gaps_.mean, found[0.5].gaps_.mean)


def test_without_gaps_in_training_none_are_drawn():
    X, y = gappy(share=0.0)
    one, other = (
        SequenceRegressor("gru", **SMALL, missing="decay", gap_dropout=rate).fit(X, y) for rate in (0.0, 1.0)
    )
    assert one.history_ == other.history_


def test_gaps_of_others_take_from_training_what_gaps_alone_tell():
    """Each training sequence lacks values of its own pattern, and its target is noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(24, 4, 8))
    values[np.broadcast_to(rng.random((24, 1, 8)) < 0.5, values.shape)] = NAN
    X, y = Sequences.from_any(values), rng.normal(size=24)
    options = {"hidden_size": 16, "max_epochs": 150, "random_state": 0, "validation": None, "patience": None}
    by_heart, drawn = (
        SequenceRegressor("gru", missing="mask", gap_dropout=rate, **options).fit(X, y) for rate in (0.0, 0.5)
    )
    assert by_heart.history_["loss"][-1] < 0.5 * drawn.history_["loss"][-1]
