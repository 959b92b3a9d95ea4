"""Several cells on one task under one budget, several seeds each: which is better, by how much, at what
cost."""

from tidegate.comparison.results import Comparison
from tidegate.comparison.run import Interrupted, compare
from tidegate.comparison.scores import CellResult, Replica, Scores
from tidegate.statistics import Verdict

__all__ = ["CellResult", "Comparison", "Interrupted", "Replica", "Scores", "Verdict", "compare"]
