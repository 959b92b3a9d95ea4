"""What two cells' scores show of their difference: estimate, interval, p-value, and the words for it.

Pure functions of arrays. docs/statistics.md says which method is for what, and what none of them can say.
"""

from tidegate.statistics.bootstrap import paired_bootstrap
from tidegate.statistics.difference import FEWEST_RUNS, Difference
from tidegate.statistics.holm import holm
from tidegate.statistics.resampled import corrected_resampled_t
from tidegate.statistics.verdict import Verdict, judge

__all__ = [
    "FEWEST_RUNS",
    "Difference",
    "Verdict",
    "corrected_resampled_t",
    "holm",
    "judge",
    "paired_bootstrap",
]
