"""LSTM, GRU and their relatives on real sequences, trained and compared by a native CPU engine.

Public names are imported when first used, so that `import tidegate` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidegate.comparison import Ablation as Ablation
    from tidegate.comparison import Comparison as Comparison
    from tidegate.comparison import ablate as ablate
    from tidegate.comparison import compare as compare
    from tidegate.comparison import compare_models as compare_models
    from tidegate.data.bundled import load_japanese_vowels as load_japanese_vowels
    from tidegate.data.dataset import Dataset as Dataset
    from tidegate.data.ragged import Sequences as Sequences
    from tidegate.data.reading import read as read
    from tidegate.engine import Optimizer as Optimizer
    from tidegate.estimators import SequenceClassifier as SequenceClassifier
    from tidegate.estimators import SequenceRegressor as SequenceRegressor
    from tidegate.estimators import load as load
    from tidegate.models import Binary as Binary
    from tidegate.models import Category as Category
    from tidegate.models import MultiClass as MultiClass
    from tidegate.models import MultiLabel as MultiLabel
    from tidegate.models import Numeric as Numeric
    from tidegate.models import Ordinal as Ordinal
    from tidegate.models import Quantiles as Quantiles
    from tidegate.models import Regression as Regression
    from tidegate.models import SequenceModel as SequenceModel
    from tidegate.models import Text as Text
    from tidegate.models import Vector as Vector
    from tidegate.network.initializers import Initializers as Initializers
    from tidegate.recurrent import Recurrent as Recurrent
    from tidegate.training.schedules import Constant as Constant
    from tidegate.training.schedules import Cosine as Cosine
    from tidegate.training.schedules import ReduceOnPlateau as ReduceOnPlateau

__version__ = "0.1.0"

_HOMES = {
    "Ablation": "comparison",
    "Binary": "models",
    "Category": "models",
    "Comparison": "comparison",
    "Constant": "training.schedules",
    "Cosine": "training.schedules",
    "Dataset": "data.dataset",
    "Initializers": "network.initializers",
    "MultiClass": "models",
    "MultiLabel": "models",
    "Numeric": "models",
    "Optimizer": "engine",
    "Ordinal": "models",
    "Quantiles": "models",
    "Recurrent": "recurrent",
    "ReduceOnPlateau": "training.schedules",
    "Regression": "models",
    "SequenceClassifier": "estimators",
    "SequenceModel": "models",
    "SequenceRegressor": "estimators",
    "Sequences": "data.ragged",
    "Text": "models",
    "Vector": "models",
    "ablate": "comparison",
    "compare": "comparison",
    "compare_models": "comparison",
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
