"""A fitted estimator to and from the document and arrays of one file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate import persistence
from tidegate.checks import choice, there
from tidegate.estimators.classifier import SequenceClassifier
from tidegate.estimators.columns import Columns
from tidegate.estimators.documents import (
    Arrays,
    buildable,
    decode,
    encode,
    fitted_attributes,
    fitted_document,
)
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.model import SequenceEstimator
from tidegate.estimators.padding import Padding
from tidegate.estimators.regressor import SequenceRegressor
from tidegate.estimators.scaling import Scaling
from tidegate.estimators.targets import ClassCoding, Coding, NumberCoding

ESTIMATORS: dict[str, type[SequenceEstimator]] = {
    kind.__name__: kind for kind in (SequenceClassifier, SequenceRegressor)
}


def save(model: SequenceEstimator, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to one file; OSError leaves the file that was there as it was.

    Options that are data or live objects are not kept: `validation` given as data and a generator as
    `random_state` come back as None.
    """
    model._check_fitted()
    options = model.get_params(deep=False)
    if not isinstance(model.validation, float | None):
        options["validation"] = None
    if not isinstance(model.random_state, int | np.integer | None):
        options["random_state"] = None
    coding, arrays = _coding_document(model.coding_)
    document = {
        "estimator": type(model).__name__,
        "options": {name: encode(name, value) for name, value in options.items()},
        "coding": coding,
        "gaps": asdict(model.gaps_),
        "padding": asdict(model.padding_),
        **fitted_document(model, arrays),
    }
    if "columns_" in vars(model):
        document["columns"] = model.columns_.to_document()
    arrays |= {"x_mean": model.scaling_.mean, "x_scale": model.scaling_.scale}
    persistence.write(path, document, arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """The model saved at `path`, which predicts the same bits on the same machine.

    OSError where the file is not there or cannot be read; ValueError where it is damaged, truncated, from
    elsewhere or of a newer version.
    """
    return built(path, *persistence.read(there("model", path)))


def built(
    path: str | os.PathLike[str], document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> SequenceEstimator:
    """The model of a document and arrays that were read from `path`."""
    with buildable(path):
        return _model(document, arrays)


def _model(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SequenceEstimator:
    kind = ESTIMATORS[choice("estimator", document["estimator"], ESTIMATORS)]
    model = kind(**{name: decode(value) for name, value in document["options"].items()})
    fitted = fitted_attributes(document, arrays)
    widths = fitted["network_"].widths
    scaling = Scaling(arrays["x_mean"], arrays["x_scale"])
    coding = _coding(document["coding"], arrays)
    gaps = _gaps(document.get("gaps", {}))
    ends = (widths["x"], widths["output"])
    expected = (gaps.num_columns(len(scaling.mean)), coding.num_outputs)
    if ends != expected or len(gaps.mean) not in (0, len(scaling.mean)):
        raise ValueError(f"the network expects inputs and outputs {expected}; got {ends}")
    model.__dict__.update(
        **fitted,
        scaling_=scaling,
        gaps_=gaps,
        padding_=Padding(**document.get("padding", {})),  # of an older file: skipped
        coding_=coding,
        n_features_in_=len(scaling.mean),
    )
    if "columns" in document:
        model.columns_ = Columns.from_document(document["columns"])
    return model


def _gaps(document: Mapping[str, Any]) -> Gaps:
    """Of a file from before there were such: none are taken."""
    fields = dict(document)
    fields["mean"] = tuple(map(float, fields.get("mean", ())))
    return Gaps(**fields)


def _coding_document(coding: Coding) -> tuple[dict[str, Any], Arrays]:
    if isinstance(coding, NumberCoding):
        return {"vector": coding.vector}, {"y_mean": coding.scaling.mean, "y_scale": coding.scaling.scale}
    return {
        "sigmoid": coding.sigmoid,
        "classes": coding.classes.tolist(),
        "dtype": coding.classes.dtype.str,
    }, {}


def _coding(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Coding:
    if "classes" in document:
        dtype = np.dtype(document["dtype"])
        if dtype.kind not in "biufUS":
            raise ValueError(f"dtype expects one of numbers or strings; got {dtype}")
        return ClassCoding(np.array(document["classes"], dtype=dtype), document["sigmoid"])
    return NumberCoding(Scaling(arrays["y_mean"], arrays["y_scale"]), document["vector"])
