"""Makes example.json: the comparison of three cells on Japanese Vowels, with the gates of one utterance.

python tests/report/make_example.py
"""

import json
from pathlib import Path
from typing import Any

import tidegate

CELLS = ("rnn", "lstm", "gru")
SETTINGS = {"max_epochs": 30, "patience": 10}


def main() -> None:
    data = tidegate.load_japanese_vowels()
    comparison = tidegate.compare(
        data.X, data.y, test=(data.X_test, data.y_test), cells=CELLS, seeds=5, progress=False, **SETTINGS
    )
    command = "tidegate compare --cells rnn,lstm,gru --seeds 5 --max-epochs 30 --patience 10 --output vowels"
    found = comparison.to_dict()
    document = found | {
        "title": "rnn, lstm and gru on Japanese Vowels",
        "command": command,
        "gates": [one for one in found["gates"] if one["sequence"] == "test sequence 0"],
    }
    text = json.dumps(short(document), separators=(",", ":"), allow_nan=False)
    Path(__file__).with_name("example.json").write_text(text + "\n")


def short(value: Any) -> Any:
    """With four digits, all that a page shows."""
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [short(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
