"""scikit-learn estimators over sequences."""

from tidegate.estimators.classifier import SequenceClassifier
from tidegate.estimators.regressor import SequenceRegressor
from tidegate.estimators.storage import load

__all__ = ["SequenceClassifier", "SequenceRegressor", "load"]
