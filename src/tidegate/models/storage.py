"""A fitted model to and from the document and arrays of one file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from tidegate import persistence
from tidegate.checks import choice, there
from tidegate.models.base import Model
from tidegate.models.calibration import Calibration
from tidegate.models.codings import Coding
from tidegate.models.documents import Arrays, decode, encode, fitted_attributes, fitted_document
from tidegate.models.encoders import Encoder, NumericEncoder, SparseEncoder, TableEncoder, named
from tidegate.models.gaps import Gaps
from tidegate.models.inputs import INPUTS
from tidegate.models.padding import Padding
from tidegate.models.scaling import Scaling
from tidegate.models.targets import TARGETS
from tidegate.network import Input, Loss, Network, SparseInput

# Options that are data or live objects are not kept.
_KEPT = {"validation": float | None, "random_state": int | np.integer | None}


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to one file; OSError leaves the file that was there as it was.

    `validation` given as data and a generator as `random_state` come back as None.
    """
    arrays: Arrays = {}
    options = {name: getattr(model, name) for name in _option_names(type(model))}
    options |= {name: None for name, kinds in _KEPT.items() if not isinstance(options[name], kinds)}
    document = {
        "estimator": type(model).__name__,
        "options": {name: encode(name, value) for name, value in options.items()},
        "inputs": {name: record_document(encoder.record) for name, encoder in model.encoders_.items()},
        "targets": {name: record_document(coding.record) for name, coding in model.codings_.items()},
        "encoders": {name: _encoder(name, encoder, arrays) for name, encoder in model.encoders_.items()},
        "codings": {name: _coding(name, coding, arrays) for name, coding in model.codings_.items()},
        **fitted_document(model, arrays),
        **model._to_document(),
    }
    persistence.write(path, document, arrays)


def load(path: str | os.PathLike[str], kinds: Mapping[str, type[Model]]) -> Model:
    """The model, of one of these classes by name, that was saved at `path`; it predicts the same bits on the
    same machine.

    OSError where the file is not there or cannot be read; ValueError where it is damaged, truncated, from
    elsewhere or of another version.
    """
    document, arrays = persistence.read(there("model", path))
    try:
        return _model(kinds[choice("estimator", document["estimator"], kinds)], document, arrays)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path} expects a model that this version can build; got one it cannot ({error}): save the "
            "model again"
        ) from error


def _option_names(kind: type[Model]) -> list[str]:
    records = ("inputs", "targets")
    return [field.name for field in fields(kind) if field.init and field.name not in records]


def _model(kind: type[Model], document: Mapping[str, Any], arrays: Arrays) -> Model:
    inputs = {name: _from_record(INPUTS, record) for name, record in document["inputs"].items()}
    targets = {name: _from_record(TARGETS, record) for name, record in document["targets"].items()}
    fitted = fitted_attributes(document, arrays)
    encoders = {
        name: _from_encoder(name, inputs[name], own, arrays) for name, own in document["encoders"].items()
    }
    codings = {
        name: _from_coding(name, targets[name], own, arrays) for name, own in document["codings"].items()
    }
    _check_fit(fitted["network_"], encoders, codings)
    options = {name: decode(value) for name, value in document["options"].items()}
    records = {"inputs": inputs, "targets": targets}
    own = {field.name: records[field.name] for field in fields(kind) if field.name in records}
    model = kind(**options, **own)  # type: ignore[arg-type]
    model.__dict__.update(**fitted, encoders_=encoders, codings_=codings, **kind._from_document(document))
    return model


def _check_fit(network: Network, encoders: Mapping[str, Encoder], codings: Mapping[str, Coding]) -> None:
    """ValueError where the network's inputs and outputs are not what was learnt of them."""
    expected = {named(name, "output"): coding.num_outputs for name, coding in codings.items()}
    for name, encoder in encoders.items():
        nodes, _ = encoder.nodes(name, 0 if encoder.record.is_step else None, network.is_bidirectional)
        expected |= {node.name: node.size for node in nodes if isinstance(node, Input | SparseInput)}
        if isinstance(encoder, NumericEncoder) and len(encoder.gaps.mean) not in (0, encoder.num_values):
            raise ValueError(f"{name} expects {encoder.num_values} means; got {len(encoder.gaps.mean)}")
    found = {node.of[0] for node in network.nodes if isinstance(node, Loss)} | {
        node.name
        for node in network.nodes
        if isinstance(node, Input | SparseInput) and not node.name.endswith(("present", "index"))
    }
    sizes = {name: network.widths[name] for name in found}
    if sizes != expected:
        raise ValueError(f"the network expects inputs and outputs {expected}; got {sizes}")


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
            own = {"gaps": asdict(encoder.gaps), "padding": asdict(encoder.padding)}
            return {"form": "numeric", **own, "flags": list(encoder.flags)}
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
    flags = tuple(document["flags"])
    return NumericEncoder(record, scaling, gaps, flags, Padding(**document["padding"]))


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
