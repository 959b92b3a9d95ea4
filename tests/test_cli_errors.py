"""Whatever is wrong is one line with the remedy, and no file is touched."""

import errno
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import tidegate
from tidegate import persistence

COLUMNS = ["--id", "utterance", "--time", "step", "--target", "speaker"]
QUICK = ["--max-epochs", "1", "--hidden-size", "2"]
FIT = ["fit", "{}", *COLUMNS, *QUICK, "--output", "new.st"]


@pytest.fixture(scope="module")
def fitted(speakers, tmp_path_factory):
    path = tmp_path_factory.mktemp("fitted") / "my.st"
    from tidegate.data.reading import read
    from tidegate.estimators.columns import Columns

    data = read(speakers / "speakers.csv", id="utterance", time="step", target="speaker")
    model = tidegate.SequenceClassifier(hidden_size=2, max_epochs=1, random_state=0).fit(data.X, data.y)
    model.columns_ = Columns(data.features, ("utterance",), "step", ("speaker",), {"speaker": "text"})
    model.save(path)
    return path.read_bytes()


@pytest.fixture
def there(folder, fitted):
    """A folder with files of every kind that is wrong."""
    header, *rows = (folder / "speakers.csv").read_text().splitlines()

    def write(name, lines, encoding="utf-8"):
        (folder / name).write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))

    write("latin.csv", [header, *(row.replace("man", "männ") for row in rows)], "latin-1")
    write("text.csv", [header, rows[0].rpartition(",")[0] + ",n/k", *rows[1:]])
    write("infinite.csv", [header, re.sub(r"^(\d+,\d+,[^,]*,)[^,]*", r"\1inf", rows[0]), *rows[1:]])
    write("bare.csv", [header, *(row.rpartition(",")[0] + "," for row in rows)])
    write("twice.csv", [header, *rows, rows[3]])
    write("cut.csv", [header, *rows[:20], "1,2"])
    write("two_men.csv", [header, *(row for row in rows if "man 3" not in row)])
    write("one_man.csv", [header, *(row for row in rows if "man 1" in row)])
    member = [row for row in rows if row.startswith("60,")]
    write("one_of_man_3.csv", [header, *(row for row in rows if "man 3" not in row), *member])
    write("row.csv", [header, rows[0]])
    write("header.csv", [header])
    write("empty.csv", [])
    wide = ["id,y," + ",".join(f"c{index}x" for index in range(10_000))]
    wide += [f"{one},{'ab'[one % 2]}" + ",x" * 10_000 for one in range(8)]
    write("wide.csv", wide)
    write("whole.csv", ["id,x,y", *(f"{one},{one},{one}" for one in range(9))])
    write("fractions.csv", ["id,x,y", *(f"{one},{one},{one / 2}" for one in range(9))])
    (folder / "binary.csv").write_bytes(bytes(range(256)))
    (folder / "my.st").write_bytes(fitted)
    (folder / "damaged.st").write_bytes(fitted[:-5] + b"wrong")
    (folder / "half.st").write_bytes(fitted[: len(fitted) // 2])
    (folder / "foreign.st").write_text("hello")
    (folder / "theirs").mkdir()
    (folder / "theirs" / "thesis.txt").write_text("ours is not this")
    np.savez(folder / "unlabelled.npz", X=np.zeros((4, 3, 6)))
    np.savez(folder / "three.npz", X=np.zeros((4, 3, 3)))
    return folder


def state_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fit(data, *more):
    return [part.format(data) for part in FIT] + list(more)


def compare(data, *more):
    return ["compare", data, *COLUMNS, *QUICK, *more]


TRUNCATED = "is no safetensors, or damaged or truncated"

CASES = [
    (fit("speaker.csv"), "did you mean speakers.csv?"),
    (fit("."), "got the folder .: pass one of its files"),
    (fit("latin.csv"), "byte 0xe4 in line 2: pass --encoding as it was written, perhaps 'latin-1'"),
    (fit("binary.csv"), "expects text in utf-8"),
    (fit("speakers.csv", "--encoding", "utf-9"), "--encoding expects one that Python knows"),
    (["fit", "speakers.csv", "--output", "new.st"], "--target expects a column of speakers.csv; got none"),
    (
        fit("speakers.csv", "--target", "speeker"),
        "--target expects a column of speakers.csv; got 'speeker': did",
    ),
    (
        fit("speakers.csv", "--id", "uterance"),
        "--id expects a column of speakers.csv; got 'uterance': did you",
    ),
    (fit("speakers.csv", "--time", "speaker", "--target", "step"), "expects a date in ISO 8601; got 'man 1'"),
    (
        fit("text.csv"),
        "column 'c6' expects numbers, as a feature; got text, 'n/k' in line 2 of text.csv: name it by --id",
    ),
    (fit("wide.csv", "--id", "id", "--target", "y", "--time", "c1x"), "column 'c1x' expects"),
    (
        ["fit", "wide.csv", "--id", "id", "--target", "y", "--output", "new.st"],
        "column 'c0x' expects numbers",
    ),
    (
        fit("speakers.csv", "--features", "c1,c9"),
        "--features expects a column of speakers.csv; got 'c9': pass one of",
    ),
    (fit("speakers.csv", "--types", "c1=number"), "--types expects one of numeric, boolean"),
    (fit("speakers.csv", "--types", "c1"), "--types expects pairs with commas between, a=b,c=d; got 'c1'"),
    (
        fit("twice.csv"),
        "--time expects each stamp of 'step' once in a sequence; got 3 twice in sequence 0 at",
    ),
    (fit("infinite.csv"), "column 'c1' expects finite numbers; got infinity in sequence 0 at step 0: mend"),
    (fit("bare.csv"), "column 'c6' expects values; got none in any row: leave it out by --features"),
    (fit("cut.csv"), "cut.csv expects rows of 9 columns"),
    (fit("header.csv"), "header.csv expects at least one row"),
    (fit("empty.csv"), "empty.csv expects a first line that names the columns"),
    (
        fit("row.csv"),
        "expects at least two sequences, one for each side of a split; got one: pass --validation",
    ),
    (["fit", "speakers.csv", "--target", "speaker", "--output", "new.st"], "tells them apart by --id"),
    (compare("row.csv"), "expects at least two sequences"),
    (fit("one_man.csv"), "the target expects at least two classes; got 'man 1' in every row"),
    (compare("one_man.csv"), "the target expects at least two classes; got 'man 1' in every row"),
    (
        fit("one_of_man_3.csv"),
        "two sequences of each class, one for each side of a split; got one of 'man 3'",
    ),
    (compare("one_of_man_3.csv"), "two sequences of each class"),
    (["fit", "whole.csv", "--id", "id", "--target", "y", "--output", "new.st"], "--task regression predicts"),
    (
        [
            "fit",
            "fractions.csv",
            "--id",
            "id",
            "--target",
            "y",
            "--task",
            "classification",
            "--output",
            "n.st",
        ],
        "expects labels, text or whole numbers; got 0.5: pass --task regression",
    ),
    (
        [
            "fit",
            "fractions.csv",
            "--id",
            "id",
            "--target",
            "y",
            "--class-weight",
            "balanced",
            "--output",
            "n.st",
        ],
        "--class-weight is of classification",
    ),
    (fit("speakers.csv", "--task", "regression"), "--task regression expects a target of numbers; got text"),
    (fit("speakers.csv", "--validation", "two_men.csv"), "--validation expects sequences that DATA does not"),
    (
        fit("speakers.csv", "--validation", "0,1"),
        "--validation expects a file; got 0,1, which does not exist",
    ),
    (
        compare("speakers.csv", "--resume"),
        "tidegate: --resume expects the folder to go on with; got none: pass --output",
    ),
    (compare("speakers.csv", "--test", "two_men.csv"), "got id 0 in both, and 59 more: take them out of one"),
    (
        compare("two_men.csv", "--test", "speakers_test.csv"),
        "--test expects classes that DATA has; got 'man 3'",
    ),
    (fit("two_men.csv", "--validation", "speakers_test.csv"), "--validation expects classes that DATA has"),
    (compare("speakers.csv", "--output", "theirs"), "theirs, which has other files: write elsewhere"),
    (compare("speakers.csv", "--output", "row.csv"), "--output expects a folder; got the file row.csv"),
    (fit("speakers.csv", "--output", "no/new.st"), "make the folder no first"),
    (fit("speakers.csv", "--output", "theirs"), "--output expects a file; got the folder theirs"),
    (
        fit("speakers.csv", "--output", "speakers.csv"),
        "expects another file than speakers.csv, which is read",
    ),
    (fit("speakers.csv", "--output", "row.csv"), "expects a new file, or a model to replace; got row.csv"),
    (fit("speakers.csv", "--patience", "soon"), "--patience expects a whole number or none; got 'soon'"),
    (fit("speakers.csv", "--dense", "3"), "--dense expects pairs with commas between, a:b,c:d"),
    (fit("unlabelled.npz"), "--id expects a table of columns"),
    (["fit", "unlabelled.npz", "--output", "new.st"], "unlabelled.npz expects targets beside its sequences"),
    (["predict", "damaged.st", "speakers.csv"], "damaged.st is damaged"),
    (["predict", "half.st", "speakers.csv"], TRUNCATED),
    (["predict", "foreign.st", "speakers.csv"], TRUNCATED),
    (["predict", "none.st", "speakers.csv"], "model expects a file; got none.st, which does not exist"),
    (["info", "damaged.st"], "damaged.st is damaged"),
    (["predict", "my.st", "whole.csv"], "--id expects a column of whole.csv; got 'utterance'"),
    (["predict", "my.st", "three.npz"], "DATA expects 6 features, as fit saw; got 3"),
    (
        ["predict", "my.st", "speakers.csv", "--format", "xml"],
        "--format expects one of table, csv, json, parquet",
    ),
    (["predict", "my.st", "speakers.csv", "--format", "parquet"], "add --output FILE"),
    (["predict", "my.st", "speakers.csv", "--output", "p.xls"], "expects one of the endings .csv, .json"),
    (["predict", "my.st", "speakers.csv", "--output", "no/p.csv"], "make the folder no first"),
    (["predict", "my.st", "speakers.csv", "--format", "csv", "--output", "my.st"], "another file than my.st"),
    (["evaluate", "my.st", "unlabelled.npz"], "unlabelled.npz expects targets"),
    (["evaluate", "my.st", "speakers.csv", "--target", "none"], "--target expects a column of speakers.csv"),
    (["evaluate", "my.st", "latin.csv", "--encoding", "latin-1"], "the target expects labels that fit saw"),
]


@pytest.mark.parametrize(("arguments", "message"), CASES, ids=[message[:50] for _, message in CASES])
def test_bad_input_is_one_line_with_the_remedy(run, there, arguments, message):
    before = state_of(there)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"tidegate: [^\n]+\n", err)
    assert message in err
    assert state_of(there) == before


def test_a_wrong_setting_is_one_line(run, there):
    code, _, err = run(*fit("speakers.csv", "--optimizer", "adm"))
    assert code == 2
    assert re.fullmatch(r"tidegate: --optimizer expects one of [^\n]* did you mean 'adam'\?[^\n]*\n", err)
    assert not (there / "new.st").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        fit("speakers.csv", "--output", "my.st"),
        ["predict", "my.st", "speakers.csv", "--output", "old.csv"],
        ["evaluate", "my.st", "speakers.csv", "--output", "old.csv"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_full_disk_leaves_the_old_file(run, there, monkeypatch, arguments):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (there / "old.csv").write_text("as it was")
    before = state_of(there)
    monkeypatch.setattr(persistence.os, "fsync", full)
    code, _, err = run(*arguments)
    assert code == 2
    assert err == "tidegate: No space left on device: free some space or write elsewhere\n"
    assert state_of(there) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tidegate", "info"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ended.returncode, ended.stderr) == (
        2,
        "tidegate: No space left on device: free some space or write elsewhere\n",
    )


@pytest.mark.parametrize("arguments", [["fit", "--output", "new.st"], ["compare", "--output", "out"]])
def test_a_file_that_may_not_grow_is_one_line(there, arguments):
    """The system itself refuses to write more than 20 kB into a file."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    main = f"{limit}; import sys; from tidegate.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", main, *arguments, "--hidden-size", "50", "--max-epochs", "1"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr == (
        "tidegate: File too large: raise the limit of the size of a file (ulimit -f) or write elsewhere\n"
    )
    assert not list(there.glob("new.st*"))
    assert not list(there.glob("out/replicas/*"))


def test_a_model_that_may_not_be_read_is_one_line(run, there, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    code, out, err = run("predict", "my.st", "speakers.csv")
    assert (code, out) == (2, "")
    assert err == "tidegate: my.st: Permission denied: change its permissions or pass another\n"


def test_what_would_not_fit_in_memory_is_one_line_before_anything_is_written(run, there, monkeypatch):
    monkeypatch.setattr("tidegate.engine.memory.available_bytes", lambda: 10**6)
    before = state_of(there)
    for arguments in (
        fit("speakers.csv"),
        compare("speakers.csv", "--output", "out"),
        compare("speakers.csv", "--output", "out", "--tune", "1"),
    ):
        code, _, err = run(*(part if part != "2" else "900" for part in arguments))
        assert code == 1
        assert re.fullmatch(
            r"tidegate: training needs up to [\d.]+ [MG]B of memory[^\n]* and 1 MB are free: choose a "
            r"smaller --hidden-size (900|1800), --batch-size 16[^\n]*\n",
            err,
        )
    assert err.endswith("; the search tries up to twice the hidden size that is given\n")
    assert state_of(there) == before


def test_parquet_without_its_package_says_what_to_install(run, there, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    np.savez("six.npz", X=np.zeros((4, 3, 6)))
    code, _, err = run("predict", "my.st", "six.npz", "--output", "p.parquet")
    assert code == 2
    assert "pip install 'tidegate[tables]', or write .csv" in err
    assert not (there / "p.parquet").exists()


def test_too_little_memory_is_one_line(run, monkeypatch):
    def too_much(*_):
        raise MemoryError

    monkeypatch.setattr("tidegate.cells.table.cell_rows", too_much)
    code, _, err = run("cells")
    assert code == 1
    assert re.fullmatch(r"tidegate: not enough memory: pass [^\n]+\n", err)


def test_ids_that_each_file_counts_anew_can_be_told(run, there):
    assert run(*fit("speakers.csv", "--validation", "two_men.csv", "--own-ids"))[0] == 0


def test_ten_thousand_columns_are_read_and_described_in_short(run, there):
    lines = ["id,y," + ",".join(f"c{index}x" for index in range(10_000))]
    lines += [f"{one},{'ab'[one % 2]}" + f",{one}" * 10_000 for one in range(8)]
    (there / "wide.csv").write_text("\n".join(lines) + "\n")
    code, out, err = run("fit", "wide.csv", "--id", "id", "--target", "y", *QUICK, "--output", "new.st")
    assert (code, err) == (0, "")
    assert "10000 in all" in out
    assert len(out) < 2000
