"""SequenceClassifier: a label a sequence, or a label a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from tidegate.estimators.examples import Examples, Rows
from tidegate.estimators.model import SequenceEstimator
from tidegate.estimators.targets import ClassCoding, Coding
from tidegate.training.metrics import accuracy
from tidegate.training.settings import CLASSIFIER


@dataclass(eq=False, repr=False)
class SequenceClassifier(ClassifierMixin, SequenceEstimator):  # type: ignore[misc]
    """Classes of sequences, or of their steps, by a recurrent network. Options: SequenceEstimator's and

    loss: "softmax_cross_entropy", or "sigmoid_cross_entropy" (one output for two classes, else one class
    against the rest each, probabilities divided by their sum).
    class_weight: None, "balanced" (every class weighs the same in the loss) or a dict of labels and weights.

    history_'s scores are accuracies, weighted as the loss is (sigmoid_cross_entropy over three classes or
    more: the share of right answers, one against the rest). classes_: the labels, sorted.
    """

    _: KW_ONLY
    hidden_size: int = CLASSIFIER.hidden_size
    bidirectional: bool = CLASSIFIER.bidirectional
    dropout: float = CLASSIFIER.dropout
    pooling: str = CLASSIFIER.pooling
    loss: str = "softmax_cross_entropy"
    class_weight: str | Mapping[Any, float] | None = None

    LOSSES: ClassVar[tuple[str, ...]] = ("softmax_cross_entropy", "sigmoid_cross_entropy")

    def predict(self, X: Any) -> Any:
        """Labels, (N,); with one a step, (N, T) for an array and a list of (T_i,) otherwise."""
        sequences, outputs = self._outputs(X)
        return self._shaped(X, sequences, self.coding_.labels(outputs))

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of classes_, (N, C); with one row a step, (N, T, C) or a list of (T_i, C)."""
        sequences, outputs = self._outputs(X)
        return self._shaped(X, sequences, self._decoded(outputs))

    def decision_function(self, X: Any) -> Any:
        """The network's outputs, (N, C); of two classes (N,), above 0 for the second."""
        sequences, outputs = self._outputs(X)
        return self._shaped(X, sequences, self.coding_.decisions(outputs))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, over the steps of all sequences where y has a label a step."""
        rows, outputs, weights = self._answers(X, y, sample_weight)
        labels = self.classes_[self.coding_.positions("y", rows)]
        return accuracy(labels, self.coding_.labels(outputs), weights)

    @property
    def classes_(self) -> Rows:
        if "coding_" not in vars(self):
            raise AttributeError("classes_ is there after fit")
        classes: Rows = self.coding_.classes
        return classes

    def _decoded(self, outputs: NDArray[Any]) -> Any:
        return self.coding_.probabilities(outputs)

    def _learn(self, examples: Examples, training: Examples, previous: Coding | None) -> Coding:
        coding = previous or ClassCoding.of(examples.rows, self.loss == "sigmoid_cross_entropy")
        assert isinstance(coding, ClassCoding)
        return coding.weighted(self.class_weight, training.rows, training.weights)

    def _strata(self, examples: Examples, share: float) -> Rows | None:
        """The labels, where both sides of the split have room for every class."""
        if examples.per_step or examples.rows.size > len(examples):
            return None
        _, counts = np.unique(examples.rows, return_counts=True)
        held_out = round(share * len(examples))
        room = len(counts) <= min(held_out, len(examples) - held_out)
        return examples.rows.reshape(-1) if room and counts.min() > 1 else None
