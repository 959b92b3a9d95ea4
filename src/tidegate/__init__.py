"""LSTM, GRU and their relatives on real sequences, trained and compared by a native CPU engine.

Public names are imported when first used, so that `import tidegate` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.comparison import Comparison as Comparison
    from tidegate.comparison import compare as compare
    from tidegate.data.bundled import load_japanese_vowels as load_japanese_vowels
    from tidegate.data.dataset import Dataset as Dataset
    from tidegate.data.ragged import Sequences as Sequences
    from tidegate.data.reading import read as read
    from tidegate.engine import Optimizer as Optimizer
    from tidegate.estimators import SequenceClassifier as SequenceClassifier
    from tidegate.estimators import SequenceRegressor as SequenceRegressor
    from tidegate.estimators import load as load
    from tidegate.network.initializers import Initializers as Initializers
    from tidegate.recurrent import Recurrent as Recurrent
    from tidegate.training.schedules import Constant as Constant
    from tidegate.training.schedules import Cosine as Cosine
    from tidegate.training.schedules import ReduceOnPlateau as ReduceOnPlateau

__version__ = "0.1.0"

_HOMES = {
    "Comparison": "comparison",
    "Constant": "training.schedules",
    "Cosine": "training.schedules",
    "Dataset": "data.dataset",
    "Initializers": "network.initializers",
    "Optimizer": "engine",
    "Recurrent": "recurrent",
    "ReduceOnPlateau": "training.schedules",
    "SequenceClassifier": "estimators",
    "SequenceRegressor": "estimators",
    "Sequences": "data.ragged",
    "compare": "comparison",
    "load": "estimators",
    "load_japanese_vowels": "data.bundled",
    "read": "data.reading",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
