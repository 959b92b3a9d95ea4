"""Ways of padding side by side: each cell with each way is what is compared."""

import json

import numpy as np
import pytest

import tidegate
from tidegate.data import Sequences

SETTINGS = {"max_epochs": 2, "hidden_size": 3, "bidirectional": False, "progress": False}
RNG = np.random.default_rng(0)
LABELS = np.array(["a", "b"] * 20)
MASK = np.arange(6) < RNG.integers(2, 7, 40)[:, np.newaxis]
VALUES = RNG.normal(loc=(LABELS == "a")[:, np.newaxis, np.newaxis], size=(40, 6, 2))
KEPT = Sequences.from_padded(VALUES, mask=MASK, padding="keep")
WAYS = ("skip", "gate", "input")


def test_each_way_is_compared_and_judged(tmp_path):
    found = tidegate.compare(
        KEPT, LABELS, cells=("lstm", "gru"), padding=WAYS, seeds=3, output=tmp_path, **SETTINGS
    )
    names = [f"{cell}-{way}" for cell in ("lstm", "gru") for way in WAYS]
    assert [own.cell for own in found.cells] == names
    assert len(found.verdicts) == 15
    assert ("lstm-skip", "lstm-gate") in {(one.first, one.second) for one in found.verdicts}
    assert "lstm-gate 3" in str(found)
    assert found.settings["padding"] == list(WAYS)
    assert "gru-input" in found.markdown()
    assert "gru-input" in (tmp_path / "report.html").read_text()
    assert json.loads((tmp_path / "result.json").read_text())["cells"].keys() == set(names)
    counts = {own.cell: own.num_parameters for own in found.cells}
    assert counts["gru-gate"] == counts["gru-skip"] + 3 == counts["gru-input"] + 3
    for way in WAYS:  # alone it is the same, by the cell's own name
        alone = tidegate.compare(KEPT, LABELS, cells="gru", padding=way, seeds=3, **SETTINGS)
        assert alone["gru"].test_score.values == found[f"gru-{way}"].test_score.values
    again = tidegate.compare(
        KEPT, LABELS, cells=("lstm", "gru"), padding=WAYS, seeds=3, output=tmp_path, resume=True, **SETTINGS
    )
    assert [own.test_score for own in again.cells] == [own.test_score for own in found.cells]


def test_parameters_are_matched_with_those_of_the_gates():
    found = tidegate.compare(
        KEPT, LABELS, cells="gru", padding=WAYS, seeds=1, match="parameters", **SETTINGS | {"hidden_size": 20}
    )
    counts = [own.num_parameters for own in found.cells]
    assert max(counts) - min(counts) <= counts[0] // 10
    assert found["gru-gate"].hidden_size <= 20


def test_what_is_not_a_way_is_refused():
    for padding, message in (
        (["skip", "skip"], "padding expects one way or several, each once"),
        ([], "padding expects one way or several"),
        (["skip", "gates"], "padding expects one of skip, gate, input; got 'gates'"),
    ):
        with pytest.raises(ValueError, match=message):
            tidegate.compare(KEPT, LABELS, padding=padding, seeds=1, **SETTINGS)
    steps = [np.zeros(6) for _ in range(40)]
    with pytest.raises(ValueError, match="padding expects one target a sequence"):
        tidegate.compare(KEPT, steps, padding=WAYS, seeds=1, **SETTINGS)
