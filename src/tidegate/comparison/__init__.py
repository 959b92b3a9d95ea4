"""Several cells on one task under one budget, several seeds each: which is better, by how much, at what
cost."""

from tidegate.comparison.results import CellResult, Comparison, Replica, Scores, Verdict
from tidegate.comparison.run import Interrupted, compare

__all__ = ["CellResult", "Comparison", "Interrupted", "Replica", "Scores", "Verdict", "compare"]
