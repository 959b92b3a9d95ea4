"""Several cells, or models, on one task under one budget, several seeds each: which is better, by how much,
at what cost; and what each input of a model adds."""

from tidegate.comparison.ablation import Ablation, ablate
from tidegate.comparison.arrays import compare
from tidegate.comparison.described import compare_models
from tidegate.comparison.results import Comparison
from tidegate.comparison.run import Interrupted
from tidegate.comparison.scores import CellResult, Measured, Replica, Scores
from tidegate.statistics import Verdict

__all__ = [
    "Ablation",
    "CellResult",
    "Comparison",
    "Interrupted",
    "Measured",
    "Replica",
    "Scores",
    "Verdict",
    "ablate",
    "compare",
    "compare_models",
]
