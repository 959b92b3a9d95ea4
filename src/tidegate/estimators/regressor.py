"""SequenceRegressor: numbers a sequence, or numbers a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from tidegate.estimators.model import SequenceEstimator
from tidegate.models.examples import Values
from tidegate.models.targets import Regression, TargetRecord
from tidegate.training.metrics import r2


@dataclass(eq=False, repr=False)
class SequenceRegressor(RegressorMixin, SequenceEstimator):  # type: ignore[misc]
    """Numbers for sequences, or for their steps, by a recurrent network. Options: SequenceEstimator's and

    loss: "mse", "mae" or "huber" (quadratic below 1, linear above).

    With standardize=True the targets are standardised too: the network learns, and history_'s losses are, in
    units of the training targets' standard deviation (mse: of their variance), and huber's 1 is one such
    deviation. Predictions come back in the targets' own unit. history_'s scores are R^2. target_ndim_: the
    axes of y's rows, 1, or 2 of (rows, K).
    """

    _: KW_ONLY
    loss: str = "mse"

    target_ndim_: int = field(init=False)

    def predict(self, X: Any) -> Any:
        """Numbers in the targets' unit, (N,) or (N, K) as y was; with one a step, (N, T) or (N, T, K) for an
        array and a list of (T_i,) or (T_i, K) otherwise."""
        sequences, outputs = self._outputs(X)
        return self._shaped(X, sequences, self._decoded(outputs))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2, the mean over K; over the steps of all sequences where y has numbers a step."""
        rows, outputs, weights = self._answers(X, y, sample_weight)
        return r2(rows, self.coding_.numbers(outputs), weights)

    def _decoded(self, outputs: NDArray[Any]) -> Any:
        numbers = self.coding_.numbers(outputs)
        return numbers if self.target_ndim_ == 2 else numbers[:, 0]

    def _target(self, per_step: bool) -> TargetRecord:
        return Regression(
            per="step" if per_step else "sequence", loss=self.loss, standardize=self.standardize
        )

    def _target_rows(self, argument: str, rows: Values) -> Values:
        if rows.dtype.kind not in "fiub":
            raise ValueError(
                f"{argument} expects numbers; got {rows.dtype}: use SequenceClassifier for labels"
            )
        return rows.astype(np.float64).reshape(len(rows), -1)

    def _facts(self, rows: Values, targets: Values) -> dict[str, Any]:
        return {"target_ndim_": rows.ndim}

    def _to_document(self) -> dict[str, Any]:
        return {**super()._to_document(), "target_ndim": self.target_ndim_}

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**super()._from_document(document), "target_ndim_": document["target_ndim"]}
