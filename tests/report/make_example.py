"""Makes example.json: the comparison of three cells on Japanese Vowels, with every field a page can show.

python tests/report/make_example.py
"""

import json
import time
from itertools import combinations
from pathlib import Path

import numpy as np

import tidegate
from tidegate.cells import get
from tidegate.comparison.parts import Part
from tidegate.reference import run
from tidegate.statistics import judge, paired_bootstrap

CELLS = ("rnn", "lstm", "gru")
SEEDS = range(5)
SETTINGS = {"max_epochs": 30, "patience": 10}
VALIDATION = 0.1
TARGET = 0.95


def main() -> None:
    data = tidegate.load_japanese_vowels()
    part = Part.of(data.X, data.y)
    comparison = tidegate.compare(
        data.X,
        data.y,
        test=(data.X_test, data.y_test),
        cells=CELLS,
        seeds=SEEDS,
        progress=False,
        validation=VALIDATION,
        **SETTINGS,
    )
    result = comparison.to_dict()
    result |= {
        "title": "rnn, lstm and gru on Japanese Vowels",
        "created": "2026-11-23",
        "score_to_reach": TARGET,
        "command": "tidegate compare --max-epochs 30 --patience 10 --output vowels",
        "gates": [],
    }
    right = {}
    for name in CELLS:
        cell = result["cells"][name]
        models = [fitted(part, name, seed) for seed in SEEDS]
        for model, replica in zip(models, cell["replicas"]):
            assert model.score(data.X_test, data.y_test) == replica["test_score"]
            replica["history"] = {key: [short(value) for value in own] for key, own in model.history_.items()}
            replica["best_epoch"] = model.best_epoch_
        probabilities = np.array([model.predict_proba(data.X_test) for model in models])
        answers = probabilities.argmax(-1)
        truth = np.searchsorted(models[0].classes_, data.y_test)
        right[name] = answers == truth
        cell |= {
            "hidden_size": models[0].hidden_size,
            "generalization_gap": spread([r["train_score"] - r["test_score"] for r in cell["replicas"]]),
            "epochs_to_convergence": spread([model.best_epoch_ for model in models]),
            "seconds_to_score": spread([seconds_to_score(model) for model in models]),
            "latency_seconds": spread([latency(model, data.X_test[:1]) for model in models]),
            "memory_bytes": 16 * models[0].num_parameters_,
            "confusion": confusion(truth, answers, [str(label) for label in models[0].classes_]),
            "calibration": calibration(probabilities.max(-1), right[name]),
        }
        if name != "rnn":
            result["gates"].append(gates(models[0], name, data.X_test[0]))
    differences = {
        (first, second): paired_bootstrap(right[first], right[second])
        for first, second in combinations(CELLS, 2)
    }
    result["verdicts"] = [verdict.to_dict() for verdict in judge(differences, "accuracy")]
    result["claims"] = claims(result["cells"])
    text = json.dumps(result, separators=(",", ":"), allow_nan=False)
    Path(__file__).with_name("example.json").write_text(text + "\n")


def fitted(part: Part, name: str, seed: int) -> tidegate.SequenceClassifier:
    """The replica that compare trained, again."""
    training, held_out = part.split(VALIDATION, "classification", seed)
    model = tidegate.SequenceClassifier(
        cell=name, random_state=seed, num_threads=1, validation=(held_out.X, held_out.y), **SETTINGS
    )
    return model.fit(training.X, training.y)


def short(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None


def spread(values: list[float | None]) -> dict[str, object]:
    there = [value for value in values if value is not None]
    ends = {"median": np.median(there), "min": min(there), "max": max(there)} if there else {}
    return {key: short(float(value)) for key, value in ends.items()} | {"values": values}


def seconds_to_score(model: tidegate.SequenceClassifier) -> float | None:
    scores = model.history_["val_score"]
    first = next((epoch for epoch, score in enumerate(scores, 1) if score >= TARGET), None)
    return None if first is None else short(model.seconds_ * first / len(scores))


def latency(model: tidegate.SequenceClassifier, sequence: object) -> float:
    began = time.perf_counter()
    for _ in range(20):
        model.predict(sequence)
    return short((time.perf_counter() - began) / 20)


def confusion(truth: np.ndarray, answers: np.ndarray, labels: list[str]) -> dict[str, object]:
    counts = np.zeros((len(labels), len(labels)), int)
    np.add.at(counts, (np.broadcast_to(truth, answers.shape), answers), 1)
    return {"labels": labels, "counts": counts.tolist()}


def calibration(given: np.ndarray, right: np.ndarray) -> dict[str, object]:
    bins = []
    for low in np.arange(10) / 10:
        inside = (given > low) & (given <= low + 0.1)
        if inside.any():
            means = {"probability": short(given[inside].mean()), "accuracy": short(right[inside].mean())}
            bins.append(means | {"count": int(inside.sum())})
    error = sum(abs(one["probability"] - one["accuracy"]) * one["count"] for one in bins) / right.size
    return {"bins": bins, "expected_calibration_error": short(error)}


def gates(model: tidegate.SequenceClassifier, name: str, sequence: np.ndarray) -> dict[str, object]:
    cell = get(name)
    scaled = model.scaling_.apply("X", sequence, np.float64)
    stem = {key: value for key, value in model.parameters_.items() if key.endswith("_l0")}
    trace = run(cell, {key.removesuffix("_l0"): value for key, value in stem.items()}, scaled[None]).trace
    shown = [gate for gate in cell.gates if gate not in ("g", "n")] + ["h"] * (name == "gru")
    return {
        "cell": name,
        "sequence": "the first test utterance",
        "gates": {gate: np.round(trace[gate][0].T, 2).tolist() for gate in shown},
    }


def claims(cells: dict[str, dict[str, object]]) -> list[dict[str, str]]:
    lstm, gru = cells["lstm"], cells["gru"]
    return [
        {
            "claim": "A GRU has fewer parameters than an LSTM.",
            "answer": "yes",
            "evidence": f"{gru['num_parameters']:,} against {lstm['num_parameters']:,} at one hidden size.",
        },
        {
            "claim": "A GRU trains faster.",
            "answer": "yes" if gru["seconds"] < lstm["seconds"] else "no",
            "evidence": f"{gru['seconds']:.3f} s against {lstm['seconds']:.3f} s a replica, medians.",
        },
        {
            "claim": "A GRU generalises better.",
            "answer": "not shown",
            "evidence": "Gap of train and test accuracy: "
            + " against ".join(f"{one['generalization_gap']['median']:.3f}" for one in (gru, lstm))
            + ", medians.",
        },
        {
            "claim": "An LSTM keeps longer dependencies.",
            "answer": "not tested",
            "evidence": "The utterances have 7 to 29 steps, too few to tell.",
        },
    ]


if __name__ == "__main__":
    main()
