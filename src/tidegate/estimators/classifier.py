"""SequenceClassifier: a label a sequence, or a label a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from tidegate.estimators.model import ONLY, SequenceEstimator
from tidegate.models.examples import Values
from tidegate.models.targets import MultiClass, TargetRecord
from tidegate.training.metrics import accuracy
from tidegate.training.settings import CLASSIFIER


@dataclass(eq=False, repr=False)
class SequenceClassifier(ClassifierMixin, SequenceEstimator):  # type: ignore[misc]
    """Classes of sequences, or of their steps, by a recurrent network. Options: SequenceEstimator's, and loss
    and class_weight, which are tidegate.MultiClass's.

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

    classes_: Values = field(init=False)

    def predict(self, X: Any) -> Any:
        """Labels, (N,); with one a step, (N, T) for an array and a list of (T_i,) otherwise."""
        sequences, outputs = self._outputs(X)
        return self._shaped(X, sequences, self.classes_[self.coding_.places(outputs)])

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
        places, outputs, weights = self._answers(X, y, sample_weight)
        return accuracy(places, self.coding_.places(outputs), weights)

    def _decoded(self, outputs: NDArray[Any]) -> Any:
        return self.coding_.probabilities(outputs)

    def _target(self, per_step: bool) -> TargetRecord:
        per = "step" if per_step else "sequence"
        return MultiClass(per=per, loss=self.loss, class_weight=self.class_weight)

    def _target_rows(self, argument: str, rows: Values) -> Values:
        """A single column is taken as (rows,)."""
        if rows.ndim == 2 and rows.shape[1] == 1:
            rows = rows[:, 0]
        if rows.ndim != 1:
            raise ValueError(
                f"{argument} expects one label a sequence, (N,), or one a step, a list of (T_i,) or (N, T) "
                f"for sequences of T steps; got shape {rows.shape}: pass one of these"
            )
        if rows.dtype.kind == "S":
            raise ValueError(
                f"{argument} expects labels, strings or whole numbers; got bytes: decode them, "
                "as their encoding is not known"
            )
        if rows.dtype.kind == "f" and (rows != np.floor(rows)).any():
            raise ValueError(
                f"{argument} expects labels, strings or whole numbers; got {rows[rows != np.floor(rows)][0]} "
                "(unknown label type: continuous): use SequenceRegressor for numbers"
            )
        return rows

    def _facts(self, rows: Values, targets: Values) -> dict[str, Any]:
        classes = np.unique(targets)
        if len(classes) < 2:
            raise ValueError(
                f"y expects at least two classes; got one class, {classes.tolist()[0]!r}: pass sequences of "
                "another"
            )
        return {"classes_": classes}

    def _to_document(self) -> dict[str, Any]:
        return {**super()._to_document(), "dtype": self.classes_.dtype.str}

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        dtype = np.dtype(document["dtype"])
        if dtype.kind not in "biufU":
            raise ValueError(f"dtype expects one of numbers or strings; got {dtype}")
        classes = np.array(document["codings"][ONLY]["names"], dtype=dtype)
        return {**super()._from_document(document), "classes_": classes}
