"""The literature's rows: goals, the resumable file, the page."""

import json
from dataclasses import replace

import pytest

from benchmarks.literature import __main__ as main
from benchmarks.literature import claims, page, results
from benchmarks.literature.rows import Goal, Measured, Row, cpu_seconds
from benchmarks.literature.tasks import TASKS

LOW, HIGH = Measured(1.0, 10, 5, 2.0, details={"epochs": 3}), Measured(3.0, 10, 5, 4.0)
ROW = Row("row", "2.0", Goal("at most 2", 2.0, lower=True), lambda seed: LOW, {"learning_rate": 0.1})


@pytest.mark.parametrize(
    ("lower", "over", "scores", "met"),
    [
        (True, "median", [1.0, 2.0, 9.0], True),
        (True, "median", [1.0, 2.1, 9.0], False),
        (False, "median", [1.0, 2.0, 9.0], True),
        (True, "every seed", [1.0, 2.0, 2.0], True),
        (True, "every seed", [1.0, 2.0, 2.1], False),
        (False, "most seeds", [1.0, 2.0, 2.0], True),
        (False, "most seeds", [1.0, 2.0], False),
    ],
)
def test_goals(lower, over, scores, met):
    assert Goal("", 2.0, lower, over).met(scores) is met


def test_seeds_are_kept_and_the_record_follows_from_them(tmp_path):
    path = tmp_path / "results.json"
    results.add(path, "task", ROW, 1, HIGH)
    results.add(path, "task", replace(ROW, name="other"), 0, HIGH)
    results.add(path, "task", ROW, 0, LOW)
    records = results.read(path)
    assert list(results.seeds_of(ROW, records)) == [0, 1]
    assert results.seeds_of(ROW, records)[0]["details"] == {"epochs": 3}
    record = records["row"]
    assert (record["ours"], record["range"], record["met"], record["seconds"]) == (2.0, [1.0, 3.0], True, 3.0)
    assert records["other"]["met"] is False
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_other_settings_leave_no_old_figure(tmp_path):
    path = tmp_path / "results.json"
    results.add(path, "task", ROW, 0, LOW)
    changed = replace(ROW, settings={"learning_rate": 0.2})
    assert results.seeds_of(changed, results.read(path)) == {}
    results.add(path, "task", changed, 1, HIGH)
    assert list(results.seeds_of(changed, results.read(path))) == [1]


def test_what_is_there_is_not_trained_again(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    rows = {name: (TASKS[0], replace(ROW, name=name)) for name in ("one", "two")}
    monkeypatch.setattr(main, "ROWS", rows)
    results.add(path, "task", rows["one"][1], 0, LOW)
    assert main.missing(["one", "two"], 2, path) == [("two", 0), ("one", 1), ("two", 1)]
    assert main.missing(["one"], 1, path) == []


def test_a_row_that_takes_long_has_fewer_seeds(tmp_path, monkeypatch):
    rows = {
        name: (TASKS[0], replace(ROW, name=name, max_seeds=most))
        for name, most in (("one", 2), ("two", None))
    }
    monkeypatch.setattr(main, "ROWS", rows)
    asked = main.missing(["one", "two"], 3, tmp_path / "results.json")
    assert asked == [("one", 0), ("two", 0), ("one", 1), ("two", 1), ("two", 2)]
    assert main.missing(["one"], 1, tmp_path / "results.json") == [("one", 0)]


def test_rows_are_chosen_by_patterns():
    assert main.chosen(["jsb-*"]) == ["jsb-lstm", "jsb-gru"]
    assert main.chosen([]) == list(main.ROWS)
    with pytest.raises(SystemExit, match="got 'jbs'"):
        main.chosen(["jbs"])


def test_seconds_are_of_cpu():
    def work():
        return sum(range(10**6))

    assert cpu_seconds(work) == (sum(range(10**6)), pytest.approx(0.02, abs=1.0))


def test_rows_have_names_of_their_own_and_settings_that_a_file_can_hold():
    names = [row.name for task in TASKS for row in task.rows]
    assert len(set(names)) == len(names)
    for task in TASKS:
        for row in task.rows:
            assert results.settings_of(row) == json.loads(json.dumps(results.settings_of(row)))


def test_the_page_tells_what_was_missed_and_what_was_not_run(tmp_path):
    path = tmp_path / "results.json"
    task, row = main.ROWS["jsb-lstm"]
    results.add(path, task.title, row, 0, Measured(8.5, 1000, 20, 3.0))
    written = page.written(json.loads(path.read_text()))
    assert (
        "| jsb-lstm | 8.45; 8.67 | 8.500 (8.500–8.500) | 1 | at most 8.43 | **no** | 1,000 | 20 | 3.0 |"
        in written
    )
    assert "| jsb-gru | 8.43; 8.54 | not run | 0 | at most 8.43 |" in written
    assert "Of 0 goals 0 are met" in written
    for seed in range(1, 5):
        results.add(path, task.title, row, seed, Measured(8.4, 1000, 20, 3.0))
        written = page.written(json.loads(path.read_text()))
        assert ("| so far |" in written) == (seed in (2, 3))
    assert "Of 1 goals 1 are met" in written


def two_rows(lstm, gru):
    """Records of adding-600; the gru with three quarters of the parameters and half the time."""
    seeds = [
        {
            str(seed): {"score": score, "parameters": size, "updates": 10, "seconds": seconds}
            for seed, score in enumerate(scores)
        }
        for scores, size, seconds in ((lstm, 400, 4.0), (gru, 300, 2.0))
    ]
    names = ("adding-600-lstm", "adding-600-gru")
    return {
        name: {"seeds": own, "settings": {"cell": name[-4:], "hidden_size": 8}}
        for name, own in zip(names, seeds)
    }


@pytest.mark.parametrize(
    ("lstm", "gru", "ahead"),
    [([2, 3], [1, 1.5], 1), ([1, 1.5], [2, 3], -1), ([1, 3], [2, 2], 0), ([1], [1], 0)],
)
def test_a_cell_is_ahead_where_every_seed_is_better_than_any_of_the_other(lstm, gru, ahead):
    (pair,) = claims.pairs(two_rows(lstm, gru), "lstm", "gru")
    assert pair.name == "adding-600"
    assert (pair.ahead, pair.parameters, pair.seconds) == (ahead, 0.75, 0.5)


def test_rows_that_differ_in_more_than_the_cell_are_no_pair():
    records = two_rows([1.0], [2.0])
    records["adding-600-gru"]["settings"]["hidden_size"] = 9
    assert list(claims.pairs(records, "lstm", "gru")) == []


def test_higher_is_ahead_where_higher_is_better():
    records = {name.replace("adding-600", "parity"): own for name, own in two_rows([0.9], [1.0]).items()}
    (pair,) = claims.pairs(records, "lstm", "gru")
    assert pair.ahead == 1


def test_the_committed_pages_are_of_the_committed_results():
    document = json.loads(results.PATH.read_text(encoding="utf-8"))
    assert page.PAGE.read_text(encoding="utf-8") == page.written(document)
    initializers = json.loads(claims.INITIALIZERS.read_text(encoding="utf-8"))
    assert claims.PAGE.read_text(encoding="utf-8") == claims.written(document, initializers)
    for name, record in document["rows"].items():
        assert record["settings"] == results.settings_of(main.ROWS[name][1]), name
