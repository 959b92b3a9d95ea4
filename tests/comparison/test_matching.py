import json

import numpy as np
import pytest

import tidegate

QUICK = {"max_epochs": 1, "hidden_size": 12, "bidirectional": True, "seeds": 1, "progress": False}


@pytest.fixture(scope="module")
def task():
    X = np.random.default_rng(7).normal(size=(40, 3, 2))
    return X, np.array(["high", "low"] * 20)


def test_matched_cells_have_the_nearest_number_of_parameters(task):
    comparison = tidegate.compare(*task, cells=("lstm", "rnn", "gru"), match="parameters", **QUICK)
    target = comparison["lstm"].num_parameters
    assert comparison["lstm"].hidden_size == 12
    assert target == 2 * 4 * 12 * (2 + 12 + 1) + (24 + 1) * 2
    for name, gates in (("rnn", 1), ("gru", 3)):
        extra = 1 if name == "gru" else 0  # the bias inside its recurrent product

        def count(size, gates=gates, extra=extra):
            return 2 * (gates * size * (2 + size + 1) + extra * size) + (2 * size + 1) * 2

        own = comparison[name]
        assert own.num_parameters == count(own.hidden_size)
        assert own.hidden_size == min(range(1, 60), key=lambda size: abs(count(size) - target))
    assert comparison["rnn"].hidden_size > comparison["gru"].hidden_size > 12


def test_both_numbers_are_shown(task, tmp_path):
    comparison = tidegate.compare(*task, cells=("lstm", "gru"), match="parameters", output=tmp_path, **QUICK)
    cells = json.loads((tmp_path / "result.json").read_text())["cells"]
    for name, own in cells.items():
        assert own["hidden_size"] == comparison[name].hidden_size
        assert f"{name} {own['hidden_size']}" in str(comparison)
        assert f"{own['num_parameters']:,}" in str(comparison)


def test_with_one_hidden_size_there_are_as_many_as_the_cells_have(task):
    comparison = tidegate.compare(*task, cells=("lstm", "gru"), **QUICK)
    assert [own.hidden_size for own in comparison.cells] == [12, 12]


def test_the_order_of_the_cells_names_the_reference(task):
    comparison = tidegate.compare(*task, cells=("gru", "lstm"), match="parameters", **QUICK)
    assert comparison["gru"].hidden_size == 12
    assert comparison["lstm"].hidden_size < 12


def test_the_report_has_what_was_found(task, tmp_path):
    X, y = task
    comparison = tidegate.compare(
        X, y, cells=("lstm", "gru"), output=tmp_path, command="tidegate compare mine", **QUICK
    )
    page = (tmp_path / "report.html").read_text()
    for text in ("tidegate compare mine", "Learning curves", "Confusions", "Calibration", "claims"):
        assert text in page
    assert "tidegate compare mine" in comparison.markdown()
    assert "fewer parameters" in comparison.markdown()
    tidegate.compare(X, X.mean(axis=(1, 2)), cells=("gru",), output=tmp_path, overwrite=True, **QUICK)
    assert "Residuals" in (tmp_path / "report.html").read_text()
