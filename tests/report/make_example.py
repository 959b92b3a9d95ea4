"""Makes example.json: the comparison of three cells on Japanese Vowels, with the gates of one utterance.

python tests/report/make_example.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

import tidegate
from tidegate.cells import get
from tidegate.reference import run

CELLS = ("rnn", "lstm", "gru")
SETTINGS = {"max_epochs": 30, "patience": 10}


def main() -> None:
    data = tidegate.load_japanese_vowels()
    comparison = tidegate.compare(
        data.X, data.y, test=(data.X_test, data.y_test), cells=CELLS, seeds=5, progress=False, **SETTINGS
    )
    command = "tidegate compare --cells rnn,lstm,gru --seeds 5 --max-epochs 30 --patience 10 --output vowels"
    document = comparison.to_dict() | {
        "title": "rnn, lstm and gru on Japanese Vowels",
        "command": command,
        "gates": [gates(name, data) for name in ("lstm", "gru")],
    }
    text = json.dumps(short(document), separators=(",", ":"), allow_nan=False)
    Path(__file__).with_name("example.json").write_text(text + "\n")


def gates(name: str, data: Any) -> dict[str, Any]:
    model = tidegate.SequenceClassifier(cell=name, bidirectional=False, random_state=0, **SETTINGS)
    model.fit(data.X, data.y)
    layer = {
        key.removesuffix("_l0"): value for key, value in model.parameters_.items() if key.endswith("_l0")
    }
    steps = model.scaling_.apply("X", data.X_test[0], np.float64)
    trace = run(get(name), layer, steps[None]).trace
    shown = {"lstm": "ifo", "gru": "rzh"}[name]
    rows = {gate: np.round(trace[gate][0].T, 2).tolist() for gate in shown}
    return {"cell": name, "sequence": "the first test utterance", "gates": rows}


def short(value: Any) -> Any:
    """With four digits, all that a page shows."""
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [short(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
