"""The native engine: networks run and trained by the C++ core, whole epochs in one call."""

from tidegate.engine.engine import Engine, Parameters
from tidegate.engine.memory import require_memory
from tidegate.engine.native import Stop, instruction_set, instruction_sets, num_cores
from tidegate.engine.records import (
    DTYPES,
    MAX_THREADS,
    OPTIMIZERS,
    Diverged,
    Floats,
    Optimizer,
    Position,
    Result,
    SparseRows,
    Steps,
    Target,
)
from tidegate.engine.stream import Stream

__all__ = [
    "DTYPES",
    "MAX_THREADS",
    "OPTIMIZERS",
    "Diverged",
    "Engine",
    "Floats",
    "Optimizer",
    "Parameters",
    "Position",
    "Result",
    "SparseRows",
    "Steps",
    "Stop",
    "Stream",
    "Target",
    "instruction_set",
    "instruction_sets",
    "num_cores",
    "require_memory",
]
