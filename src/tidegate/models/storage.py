"""A fitted model to and from the document and arrays of one file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from tidegate import persistence
from tidegate.checks import choice, there
from tidegate.estimators import storage as estimators
from tidegate.estimators.documents import (
    Arrays,
    buildable,
    decode,
    encode,
    fitted_attributes,
    fitted_document,
)
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.scaling import Scaling
from tidegate.models.calibration import Calibration
from tidegate.models.codings import Coding
from tidegate.models.encoders import Encoder, NumericEncoder, SparseEncoder, TableEncoder
from tidegate.models.inputs import INPUTS
from tidegate.models.model import SequenceModel
from tidegate.models.tables import TableSource
from tidegate.models.targets import TARGETS

_SETTINGS = tuple(
    field.name for field in fields(SequenceModel) if field.init and field.name not in ("inputs", "targets")
)


def save(model: SequenceModel, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to one file; data given as `validation` are not kept."""
    arrays: Arrays = {}
    options = {name: getattr(model, name) for name in _SETTINGS}
    if isinstance(model.validation, Mapping):
        options["validation"] = None
    document = {
        "estimator": SequenceModel.__name__,
        "options": {name: encode(name, value) for name, value in options.items()},
        "inputs": {name: record_document(record) for name, record in model.inputs.items()},
        "targets": {name: record_document(record) for name, record in model.targets.items()},
        "encoders": {name: _encoder(name, encoder, arrays) for name, encoder in model.encoders_.items()},
        "codings": {name: _coding(name, coding, arrays) for name, coding in model.codings_.items()},
        **fitted_document(model, arrays),
    }
    if model.source_ is not None:
        document["source"] = model.source_.to_document()
    persistence.write(path, document, arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """The model or estimator saved at `path`, which predicts the same bits on the same machine.

    OSError where the file is not there or cannot be read; ValueError where it is damaged, truncated, from
    elsewhere or of a newer version.
    """
    document, arrays = persistence.read(there("model", path))
    if document.get("estimator") != SequenceModel.__name__:
        return estimators.built(path, document, arrays)
    with buildable(path):
        return _model(document, arrays)


def _model(document: Mapping[str, Any], arrays: Arrays) -> SequenceModel:
    options = {name: decode(value) for name, value in document["options"].items()}
    options["dense"] = tuple(map(tuple, options["dense"]))
    model = SequenceModel(
        inputs={name: _from_record(INPUTS, record) for name, record in document["inputs"].items()},
        targets={name: _from_record(TARGETS, record) for name, record in document["targets"].items()},
        **options,
    )
    model.__dict__.update(
        **fitted_attributes(document, arrays),
        encoders_={
            name: _from_encoder(name, model.inputs[name], own, arrays)
            for name, own in document["encoders"].items()
        },
        codings_={
            name: _from_coding(name, model.targets[name], own, arrays)
            for name, own in document["codings"].items()
        },
    )
    if "source" in document:
        model.source_ = TableSource.from_document(document["source"])
    return model


def record_document(record: Any) -> dict[str, Any]:
    fields = {name: encode(name, value) for name, value in vars(record).items()}
    return {"kind": record.kind, **fields}


def _from_record(kinds: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    given = {name: decode(value) for name, value in document.items() if name != "kind"}
    tuples = ("columns", "levels", "labels", "order")
    given = {
        name: tuple(value) if name in tuples and value is not None else value for name, value in given.items()
    }
    return kinds[choice("kind", document["kind"], kinds)](**given)


def _encoder(name: str, encoder: Encoder, arrays: Arrays) -> dict[str, Any]:
    match encoder:
        case NumericEncoder():
            arrays[f"encoders.{name}.mean"] = encoder.scaling.mean
            arrays[f"encoders.{name}.scale"] = encoder.scaling.scale
            return {"form": "numeric", "gaps": asdict(encoder.gaps), "flags": list(encoder.flags)}
        case TableEncoder():
            return {"form": "table", "units": list(encoder.units), "has_rare": encoder.has_rare}
        case SparseEncoder():
            return {"form": "sparse", "num_columns": encoder.num_columns}


def _from_encoder(name: str, record: Any, document: Mapping[str, Any], arrays: Arrays) -> Encoder:
    form = choice("form", document["form"], ("numeric", "table", "sparse"))
    if form == "table":
        return TableEncoder(record, tuple(document["units"]), document["has_rare"])
    if form == "sparse":
        return SparseEncoder(record, document["num_columns"])
    scaling = Scaling(arrays[f"encoders.{name}.mean"], arrays[f"encoders.{name}.scale"])
    gaps = Gaps(**{**document["gaps"], "mean": tuple(document["gaps"]["mean"])})
    return NumericEncoder(record, scaling, gaps, tuple(document["flags"]))


def _coding(name: str, coding: Coding, arrays: Arrays) -> dict[str, Any]:
    if coding.scaling is not None:
        arrays[f"codings.{name}.mean"] = coding.scaling.mean
        arrays[f"codings.{name}.scale"] = coding.scaling.scale
    document: dict[str, Any] = {
        "names": list(coding.names),
        **{part: _listed(getattr(coding, part)) for part in ("weights", "thresholds", "frequencies")},
    }
    if coding.calibration is not None:
        calibration = coding.calibration
        for index, (x, y) in enumerate(calibration.points):
            arrays[f"codings.{name}.points.{index}"] = np.stack([x, y])
        after = calibration.ece_after
        document["calibration"] = {
            **{part: getattr(calibration, part) for part in ("method", "temperature", "ece_before")},
            "ece_after": None if np.isnan(after) else after,
            "num_points": len(calibration.points),
        }
    return document


def _from_coding(name: str, record: Any, document: Mapping[str, Any], arrays: Arrays) -> Coding:
    scaling = None
    if f"codings.{name}.mean" in arrays:
        scaling = Scaling(arrays[f"codings.{name}.mean"], arrays[f"codings.{name}.scale"])
    calibration = None
    if (own := document.get("calibration")) is not None:
        points = tuple(tuple(arrays[f"codings.{name}.points.{index}"]) for index in range(own["num_points"]))
        after = np.nan if own["ece_after"] is None else own["ece_after"]
        plain = {key: own[key] for key in ("method", "temperature", "ece_before")}
        calibration = Calibration(**plain, ece_after=after, points=points)
    parts = {part: _tuple(document[part]) for part in ("weights", "thresholds", "frequencies")}
    return Coding(record, tuple(document["names"]), scaling, calibration=calibration, **parts)


def _listed(values: tuple[float, ...] | None) -> list[float] | None:
    return None if values is None else list(values)


def _tuple(values: list[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)
