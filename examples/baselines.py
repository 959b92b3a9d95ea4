"""What models that know nothing of sequences make of the data in examples/data, and the measures of all.

    python examples/baselines.py [packages] [languages] [watch] [chorales]

Bags of words and of characters, summary statistics, the step before: each into linear models of scikit-learn,
those of the watch into boosted trees, too. What is to be chosen, the penalty of a linear model and from which
probability on a label is given, is chosen on the validation part.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from datasets import (
    FOLDS,
    Chorales,
    Packages,
    Texts,
    Watch,
    load_chorales,
    load_packages,
    load_texts,
    load_watch,
)
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

Scores = dict[str, float]
Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def class_scores(truth: NDArray[Any], predicted: NDArray[Any]) -> Scores:
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "macro F1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
    }


def best_thresholds(truth: Truths, probabilities: Numbers) -> Numbers:
    """(L,): from which probability, or margin, on each label is given, its F1 at its best."""
    thresholds = np.full(truth.shape[1], 0.5)
    for label in np.flatnonzero(truth.any(axis=0)):
        order = np.argsort(-probabilities[:, label], kind="stable")
        ranked = probabilities[order, label]
        hits = np.cumsum(truth[order, label])
        f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
        f1[:-1][ranked[:-1] == ranked[1:]] = 0  # no threshold is between equals
        thresholds[label] = ranked[np.argmax(f1)]
    return thresholds


def label_scores(truth: Truths, probabilities: Numbers, thresholds: Numbers) -> Scores:
    given = probabilities >= thresholds
    return {
        f"{average} F1": float(f1_score(truth, given, average=average, zero_division=0))
        for average in ("micro", "macro")
    }


def surprise(truth: Truths, probabilities: Numbers) -> float:
    """The negative log-likelihood of a step, in nats: the sum over its labels."""
    return float(-np.log(np.where(truth, probabilities, 1 - probabilities)).sum(axis=1).mean())


def linear(penalty: float) -> Any:
    return OneVsRestClassifier(LogisticRegression(C=1 / penalty, solver="liblinear"))


def best(
    build: Callable[[float], Any], settings: tuple[float, ...], score: Callable[[Any], float], X: Any, y: Any
) -> Any:
    """Of the models of all settings, fitted to X and y, the one with the highest score."""
    return max((build(setting).fit(X, y) for setting in settings), key=score)


def packages(data: Packages) -> dict[str, Scores]:
    train, validation, test = (data.part == part for part in ("train", "validation", "test"))
    texts = np.char.add(np.char.add(data.name, " "), data.description)
    bags = (
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True),
    )
    words = [bag.fit(texts[train]).transform(texts) for bag in bags]
    numbers = np.log1p(data.numbers)
    numbers = StandardScaler().fit(numbers[train]).transform(numbers)
    X = sparse.hstack([*words, numbers, (data.architecture == "all")[:, None]], format="csr")

    def build(penalty: float) -> Any:
        return OneVsRestClassifier(LinearSVC(C=1 / penalty, random_state=0))

    def accuracy(model: Any) -> float:
        return model.score(X[validation], data.section[validation])

    def micro_f1(model: Any) -> float:
        truth, margins = data.tags[validation], model.decision_function(X[validation])
        return label_scores(truth, margins, best_thresholds(truth, margins))["micro F1"]

    sections = best(build, (10.0, 3.0), accuracy, X[train], data.section[train])
    tags = best(build, (10.0, 3.0), micro_f1, X[train], data.tags[train])
    thresholds = best_thresholds(data.tags[validation], tags.decision_function(X[validation]))
    found = {"section": class_scores(data.section[test], sections.predict(X[test]))}
    found["tags"] = label_scores(data.tags[test], tags.decision_function(X[test]), thresholds)
    return {
        "bags of words and characters, numbers; linear": {
            f"{head} {measure}": score for head, scores in found.items() for measure, score in scores.items()
        }
    }


def languages(data: Texts) -> dict[str, Scores]:
    train, validation, test = (data.part == part for part in ("train", "validation", "test"))

    def scores(build: Callable[[float], Any], settings: tuple[float, ...]) -> Scores:
        def accuracy(model: Any) -> float:
            return model.score(data.text[validation], data.language[validation])

        model = best(build, settings, accuracy, data.text[train], data.language[train])
        return class_scores(data.language[test], model.predict(data.text[test]))

    bag = {"analyzer": "char_wb", "ngram_range": (1, 4)}
    return {
        "bag of characters, naive Bayes": scores(
            lambda alpha: make_pipeline(CountVectorizer(**bag), MultinomialNB(alpha=alpha)), (1.0, 0.3, 0.1)
        ),
        "bag of characters, linear": scores(
            lambda penalty: make_pipeline(TfidfVectorizer(**bag, sublinear_tf=True), linear(penalty)),
            (0.1, 0.03, 0.01),
        ),
    }


def statistics(data: Watch) -> Numbers:
    """Of each recording its seconds and, a channel: mean, deviation, quantiles, mean change of a step."""

    def of_stream(values: NDArray[np.float32]) -> NDArray[np.float32]:
        quantiles = np.quantile(values, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1), axis=0)
        changes = np.abs(np.diff(values, axis=0)).mean(axis=0)
        return np.concatenate([values.mean(axis=0), values.std(axis=0), changes, *quantiles])

    return np.stack(
        [
            np.concatenate([[seconds], *map(of_stream, streams)])
            for seconds, *streams in zip(data.seconds, data.accelerometer, data.gyroscope)
        ]
    )


def watch(data: Watch) -> dict[str, Scores]:
    """Each pair of subjects is predicted by a model of the other eight."""
    X = statistics(data)

    def scores(model: Any) -> Scores:
        found = {}
        for head, truth in {"exercise": data.exercise, "side": data.side}.items():
            predicted = np.empty_like(truth)
            for held_out in FOLDS:
                train, test = data.split(held_out)
                predicted[test] = model.fit(X[train], truth[train]).predict(X[test])
            found[head] = class_scores(truth, predicted)["accuracy"]
        return found

    return {
        "summary statistics, linear": scores(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        ),
        "summary statistics, boosted trees": scores(
            HistGradientBoostingClassifier(min_samples_leaf=5, random_state=0)
        ),
    }


class NextSteps:
    """Of each part of the chorales, by chorale: every step but the last, and the one after it, (T - 1, 88).

    learnt: (88,) whether a key sounds in the training part; the others keep their frequency.
    """

    def __init__(self, data: Chorales) -> None:
        parts = {
            part: [keys for keys, own in zip(data.keys, data.part) if own == part]
            for part in ("train", "validation", "test")
        }
        self.before = {part: [keys[:-1] for keys in own] for part, own in parts.items()}
        self.after = {part: [keys[1:] for keys in own] for part, own in parts.items()}
        self.truth = {part: np.concatenate(own) == 1 for part, own in self.after.items()}
        self.learnt = self.truth["train"].any(axis=0)
        self.frequency = (self.truth["train"].sum(axis=0) + 0.5) / (len(self.truth["train"]) + 1)

    def of_all_keys(self, learnt: Numbers) -> Numbers:
        """Probabilities of the learnt keys, beside them the others' frequency."""
        found = np.tile(self.frequency, (len(learnt), 1))
        found[:, self.learnt] = learnt
        return found

    def scores(self, learnt: Callable[[str], Numbers]) -> Scores:
        """Of the test part, by the probabilities of a part's learnt keys."""
        validation, test = (self.of_all_keys(learnt(part)) for part in ("validation", "test"))
        thresholds = best_thresholds(self.truth["validation"], validation)
        found = {"nats a step": surprise(self.truth["test"], test)}
        return found | label_scores(self.truth["test"], test, thresholds)


def chorales(data: Chorales) -> dict[str, Scores]:
    """Which keys sound at each step but the first, from the step before."""
    steps = NextSteps(data)
    before = {part: np.concatenate(own) for part, own in steps.before.items()}

    def fit_of_validation(model: Any) -> float:
        probabilities = steps.of_all_keys(model.predict_proba(before["validation"]))
        return -surprise(steps.truth["validation"], probabilities)

    y = steps.truth["train"][:, steps.learnt]
    model = best(linear, (10.0, 3.0, 1.0, 0.3), fit_of_validation, before["train"], y)
    frequency = steps.frequency[steps.learnt]
    return {
        "how often each key sounds": steps.scores(lambda part: np.tile(frequency, (len(before[part]), 1))),
        "the step before, linear": steps.scores(lambda part: model.predict_proba(before[part])),
    }


BASELINES = {
    "packages": lambda: packages(load_packages()),
    "languages": lambda: languages(load_texts()),
    "watch": lambda: watch(load_watch()),
    "chorales": lambda: chorales(load_chorales()),
}


def line(name: str, scores: Scores) -> str:
    return f"{name:46}" + "".join(f"  {measure} {score:.3f}" for measure, score in scores.items())


if __name__ == "__main__":
    for name in sys.argv[1:] or BASELINES:
        print(name)
        for baseline, scores in BASELINES[name]().items():
            print(line(baseline, scores), flush=True)
