import json
import os
import pty
import re
import select
import signal
import subprocess
import sys

import numpy as np
import pytest
import typer

import tidegate
from tidegate import cli
from tidegate.cells import CELLS
from tidegate.network import sequence_network

QUICK = ["--cells", "rnn", "--seeds", "1", "--max-epochs", "2", "--hidden-size", "3"]

INPUT = ["--id", "--time", "--features", "--types", "--layout", "--encoding"]
TARGET = ["--target", "--target-per", "--targets"]
MODEL = [
    "--hidden-size",
    "--num-layers",
    "--bidirectional",
    "--one-direction",
    "--dropout",
    "--input-dropout",
    "--recurrent-dropout",
    "--variational-dropout",
    "--dropout-per-step",
    "--zoneout",
    "--pooling",
    "--dense",
    "--initializers",
    "--loss",
    "--class-weight",
    "--standardize",
    "--as-measured",
    "--missing",
    "--fill",
    "--gap-dropout",
    "--padding",
    "--optimizer",
    "--learning-rate",
    "--schedule",
    "--batch-size",
    "--clip-norm",
    "--bptt-steps",
    "--recompute",
    "--keep-steps",
    "--input-noise",
    "--weight-noise",
    "--averaging",
    "--max-epochs",
    "--patience",
    "--min-delta",
]
FIT = ["--validation", "--own-ids", "--task", "--seed", "--threads", "--resume"]
RUN = ["--margin", "--output", "--resume", "--overwrite", "--format", "--threads"]
COMPARE = ["--test", "--own-ids", "--task", "--cells", "--seeds", "--match", "--tune", "--validation", *RUN]
FLAGS = {
    "init": ["data", "--output", "--id", "--time", "--target", "--encoding", "--schema"],
    "fit": ["--output", "data", *INPUT, *TARGET, "--cell", *MODEL, *FIT],
    "predict": ["model", "data", "--output", "--format", *INPUT, "--threads"],
    "evaluate": ["model", "data", "--format", "--output", *INPUT, *TARGET, "--threads"],
    "compare": ["data", *INPUT, *TARGET, *COMPARE, *MODEL],
    "ablate": ["file", "--cell", "--seeds", "--seed", "--test", "--permutation", *RUN, *MODEL],
    "info": ["model", "--format", "--output"],
    "cells": [
        "name",
        "--input-size",
        "--hidden-size",
        "--num-layers",
        "--bidirectional",
        "--latex",
        "--format",
        "--output",
    ],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same small task as arrays, as values and offsets, and as a .ts file."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(3)
    y = np.array(["a", "b"] * 20)
    X = rng.normal(loc=(y == "a")[:, None, None], size=(40, 4, 2))
    np.savez(folder / "dense.npz", X=X, y=y)
    np.savez(folder / "ragged.npz", values=X.reshape(160, 2), offsets=np.arange(41) * 4, y=y)
    np.savez(folder / "numbers.npz", X=X, y=X.mean(axis=(1, 2)))
    lines = [
        ":".join(",".join(map(str, channel)) for channel in one.T) + f":{label}" for one, label in zip(X, y)
    ]
    (folder / "data.ts").write_text("\n".join(["@data", *lines]))
    return folder


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def test_without_data_the_bundled_recordings_are_compared(run, tmp_path):
    code, out, err = run("compare", *QUICK, "--cells", "rnn,gru", "--output", tmp_path)
    assert (code, err) == (0, "")
    assert "Japanese Vowels: 270 sequences to train on, 370 to test on (given)" in out
    assert "nothing can be said: 1 seed, at least 3 are needed" in " ".join(out.split())
    assert str(tmp_path / "result.json") in out.replace("\n", "")
    result = result_of(tmp_path)
    assert result["cells"].keys() == {"rnn", "gru"}
    assert f"{result['cells']['gru']['test_score']['median']:.3f}" in out


@pytest.mark.parametrize("name", ["dense.npz", "ragged.npz", "data.ts"])
def test_every_kind_of_file_gives_the_same_result(run, files, tmp_path, name):
    code, out, err = run("compare", files / name, *QUICK, "--output", tmp_path)
    assert (code, err) == (0, "")
    assert f"{name}: 30 sequences to train on, 10 to test on" in out
    expected = tidegate.compare(
        *np.load(files / "dense.npz").values(),
        cells="rnn",
        seeds=1,
        max_epochs=2,
        hidden_size=3,
        progress=False,
    )
    assert result_of(tmp_path)["cells"]["rnn"]["test_score"]["values"] == list(
        expected["rnn"].test_score.values
    )


def test_numbers_are_regressed_and_a_test_file_is_tested_on(run, files, tmp_path):
    code, out, _ = run(
        "compare", files / "numbers.npz", "--test", files / "numbers.npz", *QUICK, "--output", tmp_path
    )
    assert code == 0
    assert "40 sequences to train on, 40 to test on (given)" in out
    assert result_of(tmp_path)["task"] == "regression"


@pytest.mark.parametrize(
    ("arguments", "key", "expected"),
    [
        (["--hidden-size", 5], "hidden_size", 5),
        (["--num-layers", 2], "num_layers", 2),
        (["--bidirectional"], "bidirectional", True),
        (["--one-direction"], "bidirectional", False),
        (["--dropout", 0.25], "dropout", 0.25),
        (["--zoneout", "h=0.1,c=0.5"], "zoneout", {"h": 0.1, "c": 0.5}),
        (["--variational-dropout", "--input-dropout", 0.2], "variational_dropout", True),
        (["--recurrent-dropout", 0.2], "recurrent_dropout", 0.2),
        (["--learning-rate", 0.02], "learning_rate", 0.02),
        (["--batch-size", 7], "batch_size", 7),
        (["--max-epochs", 1], "max_epochs", 1),
        (["--patience", 1], "patience", 1),
        (["--validation", "0.25"], "validation", 0.25),
        (["--validation", "none"], "validation", None),
    ],
)
def test_every_setting_reaches_the_estimator(run, files, tmp_path, arguments, key, expected):
    code, _, _ = run("compare", files / "dense.npz", *QUICK, *arguments, "--output", tmp_path)
    assert code == 0
    assert result_of(tmp_path)["settings"][key] == expected


def test_ways_of_padding_are_compared(run, files, tmp_path):
    data = dict(np.load(files / "dense.npz"))
    lengths = np.arange(40) % 4 + 1
    np.savez(tmp_path / "padded.npz", **data, lengths=lengths)
    arguments = ["--cells", "gru", "--padding", "skip,gate, input", "--output", tmp_path / "out"]
    code, out, err = run("compare", tmp_path / "padded.npz", *QUICK, *arguments)
    assert (code, err) == (0, "")
    assert "38% of them padding" in out
    found = result_of(tmp_path / "out")["cells"]
    X = tidegate.Sequences.from_padded(data["X"], lengths=lengths, padding="keep")
    for way in ("skip", "gate", "input"):
        expected = tidegate.compare(
            X, data["y"], cells="gru", seeds=1, max_epochs=2, hidden_size=3, padding=way, progress=False
        )
        assert found[f"gru-{way}"]["test_score"]["values"] == list(expected["gru"].test_score.values)


def test_seeds_cells_and_threads_are_those_asked_for(run, files, tmp_path):
    arguments = ["--seeds", 2, "--cells", "lstm_peephole, gru", "--threads", 1]
    code, _, _ = run("compare", files / "dense.npz", *QUICK, *arguments, "--output", tmp_path)
    assert code == 0
    result = result_of(tmp_path)
    assert list(result["cells"]) == ["lstm_peephole", "gru"]
    assert result["seeds"] == [0, 1]
    assert result["num_threads"] == 1


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_table_counts_the_parameters_of_the_network(run, bidirectional):
    sizes = ["--input-size", 3, "--hidden-size", 5, "--num-layers", 2]
    code, out, _ = run("cells", *sizes, *["--bidirectional"] * bidirectional)
    assert code == 0
    for name in CELLS:
        network = sequence_network(name, 3, 5, 1, "mse", num_layers=2, bidirectional=bidirectional)
        output = 5 * (1 + bidirectional) + 1
        assert re.search(rf"^ *{name} .* {network.num_parameters - output:,} *$", out, re.MULTILINE)


def test_one_cell_alone_is_described_and_printed_in_latex(run):
    code, out, _ = run("cells", "gru")
    assert code == 0
    assert "z = 1 keeps the old state" in out
    assert "weight_hh (3H, H)" in out
    assert "lstm" not in out
    code, out, _ = run("cells", "lstm", "--latex")
    assert code == 0
    assert r"c_t &= f_t \odot c_{t-1} + i_t \odot g_t" in out
    assert run("cells", "--latex")[1].count(r"\begin{align}") == len(CELLS)


def test_cells_in_every_format(run, tmp_path):
    for ending in ("csv", "json", "parquet"):
        assert run("cells", "--hidden-size", 7, "--output", tmp_path / f"cells.{ending}") == (0, "", "")
    rows = json.loads((tmp_path / "cells.json").read_text())
    assert {row["cell"]: row["parameters"] for row in rows} == {
        name: cell.num_parameters(12, 7) for name, cell in CELLS.items()
    }
    from pyarrow import parquet

    assert parquet.read_table(tmp_path / "cells.parquet").to_pylist() == rows
    code, out, _ = run("cells", "gru", "--hidden-size", 7, "--format", "csv")
    assert code == 0
    header, gru = out.splitlines()
    assert header == (tmp_path / "cells.csv").read_text().splitlines()[0]
    assert gru in (tmp_path / "cells.csv").read_text().splitlines()


def test_info_names_versions_and_hardware(run):
    code, out, _ = run("info")
    assert code == 0
    assert f"tidegate {tidegate.__version__}" in out
    assert "numpy" in out
    assert "core" in out


def test_info_as_a_table_in_files(run, tmp_path):
    from pyarrow import parquet

    code, out, _ = run("info", "--format", "csv")
    assert code == 0
    assert f"tidegate,{tidegate.__version__}" in out.splitlines()
    assert run("info", "--output", tmp_path / "info.parquet")[0] == 0
    read = parquet.read_table(tmp_path / "info.parquet").to_pydict()
    assert dict(zip(read["name"], read["value"]))["tidegate"] == tidegate.__version__
    assert run("info", "--output", tmp_path / "info.json")[0] == 0
    assert json.loads((tmp_path / "info.json").read_text()) == json.loads(run("info", "--format", "json")[1])


def test_info_as_json(run):
    code, out, _ = run("info", "--format", "json")
    assert code == 0
    found = json.loads(out)
    assert found["versions"]["tidegate"] == tidegate.__version__
    assert "core" in found["hardware"]


def test_version(run):
    assert run("--version") == (0, f"tidegate {tidegate.__version__}\n", "")


def test_the_flags_are_those_that_scripts_rely_on():
    commands = typer.main.get_command(cli.app).commands
    assert list(commands) == list(FLAGS)
    for name, command in commands.items():
        names = [option for one in command.params for option in (*one.opts, *one.secondary_opts)]
        assert names == FLAGS[name]


def test_without_arguments_help_is_shown(run):
    assert run() == run("--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compar"], "No such command 'compar'"),
        (["compare", "--seed", 3], "--seed"),
        (["compare", "--seeds", "many"], "--seeds"),
        (["compare", "--seeds", 0], "--seeds expects a whole number from 1"),
        (["compare", "--cells", "lstm,gruu"], "did you mean 'gru'?"),
        (["compare", "--hidden-size", 0], "--hidden-size expects a whole number"),
        (["compare", "none.npz"], "DATA expects a file; got none.npz, which does not exist"),
        (["compare", "none.csv"], "none.csv, which does not exist"),
        (["compare", "--test", "none.npz"], "--test expects DATA"),
        (["cells", "gruu"], "did you mean 'gru'?"),
        (["cells", "--hidden-size", 0], "--hidden-size expects a whole number"),
    ],
)
def test_bad_input_is_one_line_and_code_2(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert re.fullmatch(r"tidegate: [^\n]+\n", err)


def test_an_output_that_cannot_be_made_is_one_line(run, files, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    code, _, err = run("compare", files / "dense.npz", *QUICK, "--output", tmp_path / "taken")
    assert code == 2
    assert re.fullmatch(r"tidegate: --output expects a folder; got the file [^\n]*taken: [^\n]*\n", err)


def test_a_mistake_of_ours_is_one_line_too(run, monkeypatch):
    def broken(*_):
        raise TypeError("not\nforeseen")

    monkeypatch.setattr("tidegate.cells.table.cell_rows", broken)
    assert run("cells") == (1, "", "tidegate: TypeError: not foreseen\n")


def test_a_closed_pipe_ends_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([sys.executable, "-m", "tidegate", "cells"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_ctrl_c_ends_an_endless_comparison_with_one_line(tmp_path):
    """The bar, drawn on a terminal, tells when the replicas are under way."""
    terminal, standard_error = pty.openpty()
    endless = ["--max-epochs", str(10**9), "--patience", str(10**9), "--cells", "lstm,gru"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate", "compare", *endless, "--output", tmp_path],
        stdout=subprocess.DEVNULL,
        stderr=standard_error,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(standard_error)
    shown = b""
    while b"best validation" not in shown:
        shown += os.read(terminal, 1024)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    while select.select([terminal], [], [], 0)[0]:
        try:
            shown += os.read(terminal, 1024)
        except OSError:  # Linux: the other end is closed and all is read
            break
    os.close(terminal)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).strip().splitlines()[-1]
    assert last.startswith("tidegate: interrupted: 0 of 10 replicas finished; the same command with --resume")
    assert "Traceback" not in shown.decode()
    assert not (tmp_path / "result.json").exists()
