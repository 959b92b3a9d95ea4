"""Which columns of a table a model was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Columns:
    """Columns by name, so that another table is read alike, whatever their order.

    types: of features, targets, and whatever the user gave a type. layout: as in tidegate.read. A fitted
    model carries them as columns_, and its file keeps them.
    """

    features: tuple[str, ...]
    id: tuple[str, ...] = ()
    time: str | None = None
    target: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    layout: str | None = None

    def to_document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        lists = {name: tuple(map(str, document[name])) for name in ("features", "id", "target")}
        return cls(**{**document, **lists})
