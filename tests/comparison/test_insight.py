"""What a comparison keeps of gates and gradients: the replica's own, cut to what a page has room for."""

from typing import Any

import numpy as np
import pytest

import tidegate
from tidegate.cells import CELLS
from tidegate.comparison import insight as module
from tidegate.comparison.insight import insight
from tidegate.comparison.parts import Part
from tidegate.inspection import gates, gradient_flow
from tidegate.report import to_html

QUICK: dict[str, Any] = {"max_epochs": 1, "validation": None, "batch_size": 16}


def task(count: int, longest: int, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(rng.integers(longest // 2, longest + 1), 2)) for _ in range(count)]
    return X, np.array([one[0, 0] > 0 for one in X])


def fitted(cell: str, longest: int, **options: Any) -> tuple[tidegate.SequenceClassifier, Part]:
    X, y = task(20, longest)
    model = tidegate.SequenceClassifier(cell, random_state=0, **QUICK | options).fit(X, y)
    return model, Part.of(X[:10], y[:10])


def test_small_ones_are_kept_whole():
    model, part = fitted("lstm", 12, hidden_size=5)
    found = insight(model, part)
    traces = gates(model, part.X[:2])
    assert [one["sequence"] for one in found["gates"]] == ["test sequence 0", "test sequence 1"]
    for one, trace in zip(found["gates"], traces, strict=True):
        assert list(one["gates"]) == [*"ifgohc"]
        assert (one["num_steps"], one["num_units"]) == trace["l0"]["h"].shape
        for name, rows in one["gates"].items():
            order = np.argsort(trace["l0"][name].mean(axis=0), kind="stable")
            np.testing.assert_allclose(np.array(rows).T, trace["l0"][name][:, order], atol=0.0051)
    norms = [flow["l0"]["h"] for flow in gradient_flow(model, part.X[:8], part.y[:8])]
    (kept,) = found["gradients"]
    assert kept["steps_back"] == list(range(max(map(len, norms))))
    third = [own[3] for own in norms]
    expected = [np.exp(np.log(third).mean()), min(third), max(third)]
    np.testing.assert_allclose([kept[name][3] for name in ("norm", "low", "high")], expected, rtol=0.006)


def test_long_and_wide_ones_are_cut_to_size():
    model, part = fitted("gru", 250, hidden_size=70)
    one = insight(model, part)["gates"][0]
    rows = gates(model, part.X[:1])[0]["l0"]["z"]
    assert (one["num_steps"], one["num_units"]) == rows.shape
    kept = np.array(one["gates"]["z"])
    each = -(-len(rows) // 100)
    assert kept.shape == (32, -(-len(rows) // each))
    low, high = rows.mean(axis=0).argmin(), rows.mean(axis=0).argmax()
    np.testing.assert_allclose(kept[0, 0], rows[:each, low].mean(), atol=0.0051)
    np.testing.assert_allclose(kept[-1, 0], rows[:each, high].mean(), atol=0.0051)


def test_the_rnns_new_state_is_shown_once():
    model, part = fitted("rnn", 6, hidden_size=3)
    assert list(insight(model, part)["gates"][0]["gates"]) == ["h"]


@pytest.mark.parametrize(("most", "count"), [(5, 0), (20, 1), (100_000, 2)])
def test_too_many_steps_are_left_out(monkeypatch, most, count):
    model, part = fitted("gru", 12, hidden_size=3)
    monkeypatch.setattr(module, "MOST_STEPS", most)
    found = insight(model, part)
    assert len(found["gates"]) == count
    assert len(found["gradients"]) == min(count, 1)


def test_the_first_seed_is_inspected_and_resuming_keeps_it(tmp_path):
    X, y = task(40, 8)
    options = {"cells": ("gru", "lstm"), "seeds": (4, 2), "progress": False, "output": tmp_path, **QUICK}
    comparison = tidegate.compare(X, y, hidden_size=4, **options)
    inspected = {
        (own.cell, own.seed): own.insight is not None for cell in comparison.cells for own in cell.replicas
    }
    assert inspected == {(cell, seed): seed == 4 for cell in ("gru", "lstm") for seed in (4, 2)}
    found = comparison.to_dict()
    assert [one["cell"] for one in found["gates"]] == ["gru", "gru", "lstm", "lstm"]
    assert [one["cell"] for one in found["gradients"]] == ["gru", "lstm"]
    again = tidegate.compare(X, y, hidden_size=4, **options, resume=True).to_dict()
    assert (again["gates"], again["gradients"]) == (found["gates"], found["gradients"])


def test_the_page_of_all_cells_on_long_sequences_stays_below_a_megabyte(tmp_path):
    X, y = task(24, 200)
    comparison = tidegate.compare(
        X, y, cells=CELLS, seeds=1, hidden_size=40, progress=False, output=tmp_path, **QUICK
    )
    page = to_html(comparison.to_dict())
    assert page.count("reading test sequence") >= 2 * len(CELLS)
    assert len(page.encode()) < 1_000_000
    numbers = [
        line
        for line in (tmp_path / "result.json").read_text().splitlines()
        if line.strip("0123456789.,- ") == ""
    ]
    assert numbers == []
