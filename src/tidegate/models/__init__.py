"""Models of many inputs and many answers, described by records, and what every model is."""

from tidegate.models.inputs import Category, Numeric, Text, Vector
from tidegate.models.model import SequenceModel
from tidegate.models.targets import Binary, MultiClass, MultiLabel, Ordinal, Quantiles, Regression

__all__ = [
    "Binary",
    "Category",
    "MultiClass",
    "MultiLabel",
    "Numeric",
    "Ordinal",
    "Quantiles",
    "Regression",
    "SequenceModel",
    "Text",
    "Vector",
]
