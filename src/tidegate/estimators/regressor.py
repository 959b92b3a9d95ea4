"""SequenceRegressor: numbers a sequence, or numbers a step."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from tidegate.estimators.examples import Examples
from tidegate.estimators.model import SequenceEstimator
from tidegate.estimators.targets import Coding, NumberCoding
from tidegate.training.metrics import r2


@dataclass(eq=False, repr=False)
class SequenceRegressor(RegressorMixin, SequenceEstimator):  # type: ignore[misc]
    """Numbers for sequences, or for their steps, by a recurrent network. Options: SequenceEstimator's and

    loss: "mse", "mae" or "huber" (quadratic below 1, linear above).

    With standardize=True the targets are standardised too: the network learns, and history_'s losses are, in
    units of the training targets' standard deviation (mse: of their variance), and huber's 1 is one such
    deviation. Predictions come back in the targets' own unit. history_'s scores are R^2.
    """

    _: KW_ONLY
    loss: str = "mse"

    LOSSES: ClassVar[tuple[str, ...]] = ("mse", "mae", "huber")

    def predict(self, X: Any) -> Any:
        """Numbers in the targets' unit, (N,) or (N, K) as y was; with one a step, (N, T) or (N, T, K) for an
        array and a list of (T_i,) or (T_i, K) otherwise."""
        sequences, outputs = self._outputs(X)
        return self._shaped(X, sequences, self._decoded(outputs))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2, the mean over K; over the steps of all sequences where y has numbers a step."""
        rows, outputs, weights = self._answers(X, y, sample_weight)
        return r2(self.coding_.columns("y", rows), self.coding_.scaling.undo(outputs), weights)

    def _decoded(self, outputs: NDArray[Any]) -> Any:
        return self.coding_.decode(outputs)

    def _learn(self, examples: Examples, training: Examples, previous: Coding | None) -> Coding:
        return previous or NumberCoding.of(training.rows, training.weights, self.standardize)
