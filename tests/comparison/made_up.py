"""Replicas and cells made up, to measure the measures with."""

from itertools import combinations

import numpy as np

from tidegate.comparison import CellResult, Replica
from tidegate.comparison.answers import Answers
from tidegate.comparison.differences import verdicts
from tidegate.comparison.scores import UNNAMED, Measured


def classes(true, predicted, probability=None, labels=("no", "yes")):
    given = np.full(len(true), 0.75) if probability is None else np.asarray(probability)
    return Answers(labels, np.asarray(true), np.asarray(predicted), given)


def numbers(true, predicted):
    return Answers((), np.asarray(true, float), np.asarray(predicted, float), None)


def replica(cell="lstm", seed=0, test_score=0.5, answers=None, **fields):
    known = {
        "hidden_size": 8,
        "num_parameters": 100,
        "seconds": 1.0,
        "updates": 40,
        "epochs": 4,
        "best_epoch": 3,
        "stopped": "converged",
        "history": dict.fromkeys(("loss", "val_loss", "score"), [1.0] * 4)
        | {"val_score": [0.6, 0.7, 0.9, 0.8]},
    }
    scores = {
        name: fields.pop(name, given) for name, given in (("train_score", 1.0), ("validation_score", 0.9))
    }
    measured = Measured(**scores, test_score=test_score, answers=answers or classes([0, 1], [0, 0]))
    return Replica(cell, seed, targets={UNNAMED: measured}, **known | fields)


def cell(name, test_scores, *, first_seed=0, **fields):
    """A cell with these test scores, one a seed."""
    seeds = enumerate(test_scores, first_seed)
    return CellResult(name, tuple(replica(name, seed, score, **fields) for seed, score in seeds))


def judged(cells, score_name, **options):
    """The verdicts on all pairs of cells with one target."""
    pairs = combinations([own.cell for own in cells], 2)
    return verdicts(cells, {UNNAMED: score_name}, pairs, **options)
