"""Saved models: the same bits back, whole or not at all, and anything else refused in words."""

import copy
import errno
import io
import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import tidegate
from tidegate import (
    Cosine,
    Initializers,
    Optimizer,
    ReduceOnPlateau,
    SequenceClassifier,
    SequenceRegressor,
    persistence,
)

SMALL = {"hidden_size": 4, "max_epochs": 2, "random_state": 0}
X = np.random.default_rng(0).normal(size=(16, 5, 2))
NUMBERS = X.sum(axis=(1, 2))
LABELS = np.array(["low", "high"])[(NUMBERS > 0).astype(int)]
MODELS = {
    "classifier": (SequenceClassifier(**SMALL), LABELS),
    "sigmoid": (SequenceClassifier("gru", loss="sigmoid_cross_entropy", **SMALL), LABELS),
    "int labels": (SequenceClassifier(class_weight={3: 2.0}, **SMALL), np.arange(16) % 4),
    "bool labels": (SequenceClassifier(class_weight="balanced", **SMALL), NUMBERS > 0),
    "float labels": (SequenceClassifier(**SMALL), np.arange(16) % 3 - 1.0),
    "a label a step": (SequenceClassifier(**SMALL), (X[:, :, 0] > 0).astype(int)),
    "regressor": (SequenceRegressor("lstm_peephole", **SMALL), NUMBERS),
    "two outputs": (SequenceRegressor("gru_reset_before", **SMALL), X.sum(axis=1)),
    "all options": (
        SequenceRegressor(
            "gru",
            num_layers=2,
            bidirectional=True,
            dropout=0.2,
            input_dropout=0.1,
            recurrent_dropout=0.3,
            variational_dropout=True,
            zoneout={"h": 0.1, "c": 0.2},
            padding="gate",
            pooling="mean",
            dense=[(5, "relu"), (3, "tanh")],
            loss="huber",
            optimizer=Optimizer("adamw", weight_decay=0.1),
            schedule=Cosine(warmup=0.1),
            initializers=Initializers(bias="chrono"),
            validation=None,
            clip_norm=None,
            standardize=False,
            **SMALL,
        ),
        NUMBERS,
    ),
}


def answers(model):
    return model.predict_proba(X) if isinstance(model, SequenceClassifier) else model.predict(X)


@pytest.fixture
def model():
    return SequenceClassifier(**SMALL).fit(X, LABELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_is_the_saved_one(name, tmp_path):
    model, y = MODELS[name]
    model.fit(X, y).save(tmp_path / "model.safetensors")
    loaded = tidegate.load(tmp_path / "model.safetensors")
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(answers(loaded), answers(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.score(X, y) == model.score(X, y)
    assert loaded.summary() == model.summary()
    np.testing.assert_equal(loaded.history_, model.history_)
    for attribute in (
        "stopped_",
        "best_epoch_",
        "seconds_",
        "num_updates_",
        "num_parameters_",
        "n_features_in_",
    ):
        assert getattr(loaded, attribute) == getattr(model, attribute)
    for option, value in model.get_params().items():
        given = getattr(loaded, option)
        assert list(map(tuple, given)) == list(value) if option == "dense" else given == value


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_a_loaded_model_can_be_saved_and_trained_on(name, tmp_path):
    model, y = MODELS[name]
    model.fit(X, y).save(tmp_path / "first")
    tidegate.load(tmp_path / "first").save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    continued = tidegate.load(tmp_path / "first").set_params(warm_start=True).fit(X, y)
    assert len(continued.history_["loss"]) == 4


def test_options_that_are_data_or_live_objects_come_back_as_none(tmp_path):
    model = SequenceRegressor(**{**SMALL, "random_state": np.random.default_rng(0)}, validation=(X, NUMBERS))
    model.fit(X, NUMBERS).save(tmp_path / "model")
    loaded = tidegate.load(tmp_path / "model")
    assert loaded.validation is None
    assert loaded.random_state is None


def test_the_arrays_are_open_to_any_reader_of_safetensors(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    for name, value in model.parameters_.items():
        np.testing.assert_array_equal(arrays[f"parameters.{name}"], value)


def test_numpy_scalars_among_the_options_are_saved(tmp_path):
    model = SequenceRegressor(hidden_size=np.int64(4), learning_rate=np.float64(0.1), max_epochs=1)
    model.fit(X, NUMBERS).save(tmp_path / "model")
    assert tidegate.load(tmp_path / "model").hidden_size == 4


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    model = SequenceRegressor("gru", hidden_size=1, max_epochs=1, random_state=0, schedule=ReduceOnPlateau())
    model.fit(X, NUMBERS).save(path)
    return path.read_bytes(), model.predict(X)


def load_bytes(content, folder: Path):
    path = folder / "damaged"
    path.write_bytes(content)
    return tidegate.load(path)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_are_refused_or_change_nothing(data, saved, tmp_path):
    content, predicted = saved
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        damaged[place] ^= data.draw(st.integers(1, 255))
    try:
        model, refusal = load_bytes(bytes(damaged), tmp_path), ""
    except ValueError as error:
        model, refusal = None, str(error)
    assert model is not None or "damaged" in refusal
    if model is not None:
        np.testing.assert_array_equal(model.predict(X), predicted)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_truncated_and_padded_files_are_refused(data, saved, tmp_path):
    content, _ = saved
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    for damaged in (cut, content + b"\0", cut + bytes(len(content) - len(cut))):
        if damaged == content:
            continue
        with pytest.raises(ValueError, match=r"damaged"):
            load_bytes(damaged, tmp_path)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_other_bytes_are_refused(content, tmp_path):
    with pytest.raises(
        ValueError, match="expects a file that tidegate wrote; got one that is no safetensors"
    ):
        load_bytes(content, tmp_path)


def test_safetensors_of_another_program_are_refused(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "other", {"format": "pt"})
    with pytest.raises(ValueError, match="got a safetensors file of another program"):
        tidegate.load(tmp_path / "other")
    save_file({"weight": np.zeros(3)}, tmp_path / "plain")
    with pytest.raises(ValueError, match="got a safetensors file of another program"):
        tidegate.load(tmp_path / "plain")


def test_missing_files_and_folders_are_the_systems_errors(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        tidegate.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError, match=f"model expects a file; got the folder {tmp_path}: pass"):
        tidegate.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"got {tmp_path}/none, which is not: make it first"):
        model.save(tmp_path / "none" / "model")
    with pytest.raises(ValueError, match="model expects the path of a file; got NoneType: pass one"):
        tidegate.load(None)


def put(name, value):
    return lambda document, arrays: document.__setitem__(name, value)


def drop_array(document, arrays):
    del arrays["parameters.bias_output"]


def reshape_array(document, arrays):
    arrays["parameters.bias_output"] = np.zeros(7, "float32")


def grow_layer(document, arrays):
    next(node for node in document["network"] if node["kind"] == "recurrent")["hidden_size"] = 2**30


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            put("version", persistence.VERSION + 1),
            "version 2; got .* version 3: read it with a newer tidegate",
        ),
        (put("version", 1), "version 2; got .* version 1: fit it again"),
        (put("version", "1"), "version"),
        (put("format", "other"), "expects format 'tidegate'"),
        (put("estimator", "SequenceClasifier"), "did you mean 'SequenceClassifier'"),
        (put("options", {"hidden": 3}), "cannot"),
        (put("options", 3), "cannot"),
        (put("options", {"schedule": {"record": "eval", "fields": {}}}), "record expects one of"),
        (put("network", []), "cannot"),
        (put("network", [{"kind": "system"}]), "cannot"),
        (put("dtype", "O"), "dtype expects one of numbers or strings"),
        (put("codings", {}), "cannot"),
        (put("encoders", {"": {"form": "sparse", "num_columns": 3}}), "cannot"),
        (put("inputs", {"": {"kind": "numbers"}}), "kind expects one of numeric"),
        (put("history", None), "cannot"),
        (drop_array, "cannot .*bias_output"),
        (reshape_array, r"bias_output expects shape \(2,\); got \(7,\)"),
        (grow_layer, "expects shape"),
    ],
)
def test_whole_files_with_a_content_that_cannot_be_are_refused(change, message, model, tmp_path):
    path = tmp_path / "model"
    model.save(path)
    document, arrays = persistence.read(path)
    change(document, arrays)
    text = json.dumps(document)
    save_file(arrays, path, {"tidegate": f"{persistence._digest(text, arrays)} {text}"})
    with pytest.raises(ValueError, match=message):
        tidegate.load(path)


def test_a_header_that_promises_more_than_there_is_is_refused(model, tmp_path):
    path = tmp_path / "model"
    model.save(path)
    content = path.read_bytes()
    with pytest.raises(ValueError, match="damaged"):
        load_bytes(struct.pack("<Q", 2**62) + content[8:], tmp_path)


def no_space(*_arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullDisk(io.FileIO):
    """A file of which half of what is written arrives."""

    def write(self, content):
        super().write(content[: len(content) // 2])
        no_space()


@pytest.mark.parametrize("fails", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_whole_and_nothing_beside_it(fails, model, tmp_path, monkeypatch):
    path = tmp_path / "model"
    SequenceRegressor(**SMALL).fit(X, NUMBERS).save(path)
    before = path.read_bytes()
    if fails == "write":
        monkeypatch.setattr(persistence, "open", FullDisk, raising=False)
    else:
        monkeypatch.setattr(os, fails, no_space)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


def test_saving_replaces_the_old_file_and_follows_links(model, tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    model.save(link)
    assert link.is_symlink()
    np.testing.assert_array_equal(answers(tidegate.load(target)), answers(model))


def test_saving_leaves_the_usual_permissions(model, tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    model.save(tmp_path / "model")
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_saving_keeps_the_permissions_of_the_old_file(model, tmp_path):
    path = tmp_path / "model.safetensors"
    path.touch(mode=0o600)
    model.save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_written_into_and_stays_a_pipe(model, tmp_path):
    pipe, path = tmp_path / "pipe", tmp_path / "model.safetensors"
    os.mkfifo(pipe)
    model.save(path)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    persistence.replace_file(pipe, content := path.read_bytes()[:4096])
    assert os.read(reader, 4096) == content
    os.close(reader)
    assert pipe.is_fifo()


def test_output_that_goes_into_a_file_keeps_what_it_holds(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"kept ")
    program = "from pathlib import Path; from tidegate.persistence import replace_file"
    program += "; replace_file(Path('/dev/stdout'), b'and more')"
    with log.open("ab") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert log.read_bytes() == b"kept and more"


def test_options_that_a_file_cannot_hold_are_refused_and_leave_the_old_file(tmp_path):
    model = SequenceClassifier(**SMALL).fit(X, LABELS)
    model.save(tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    model.set_params(schedule=object())
    with pytest.raises(ValueError, match="schedule expects a value that a file can hold"):
        model.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before


def test_a_model_that_is_not_there_names_the_nearest(tmp_path):
    (tmp_path / "vowels.safetensors").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"did you mean .*vowels\.safetensors"):
        tidegate.load(tmp_path / "vowel.safetensors")


@pytest.mark.parametrize("come_by", ["fit", "warm start", "load", "pickle", "deepcopy"])
def test_parameters_of_a_model_that_answers_are_read_only(come_by, tmp_path):
    # An edit would reach the file that save writes and no prediction.
    model = SequenceRegressor(**SMALL).fit(X, NUMBERS)
    if come_by == "warm start":
        model.set_params(warm_start=True).fit(X, NUMBERS)
    elif come_by == "load":
        model.save(tmp_path / "model.safetensors")
        model = tidegate.load(tmp_path / "model.safetensors")
    elif come_by in ("pickle", "deepcopy"):
        model = pickle.loads(pickle.dumps(model)) if come_by == "pickle" else copy.deepcopy(model)
        model.predict(X)
    for array in model.parameters_.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1.0
    model.stream().step(X[:1, 0])
