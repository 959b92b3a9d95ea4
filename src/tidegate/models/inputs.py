"""What a model reads, as records: numbers, categories, text and vectors, of each step or of each sequence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from tidegate.checks import choice, hold, integer
from tidegate.models.gaps import FILLS, MISSING
from tidegate.models.padding import PADDINGS
from tidegate.models.rows import (
    Rows,
    column_names,
    labels_of_sequences,
    labels_of_steps,
    numbers_of_sequences,
    numbers_of_steps,
    texts,
    vectors_of_sequences,
    vectors_of_steps,
)

ROLES = ("step", "static")
ENTRIES = ("end", "state", "step")
LEVELS = ("character", "word")
ENCODERS = ("recurrent", "mean")


@dataclass(frozen=True)
class _Input(ABC):
    """role: "step", with values at each step of a sequence, or "static", one row a sequence.

    stream: inputs of steps with the same stream have the same steps and are read side by side by one
    recurrent encoder; another stream may have other steps, at a rate of its own. The stream of the first
    such input is the main one, whose steps are those of targets per step. align: the stream's states are
    looked up at the steps of the main stream, by time stamp, the last one before or at each; otherwise its
    pooled states stand beside the others' at the end. enters, of a static input: at the "end", beside the
    pooled states; as the "state" that the main stream begins with; or at every "step" of it. columns: of a
    table; None: one of the input's name.
    """

    _: KW_ONLY
    role: str = "step"
    stream: str = "main"
    align: bool = False
    enters: str = "end"
    columns: tuple[str, ...] | None = None

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        choice("role", self.role, ROLES)
        choice("enters", self.enters, ENTRIES)
        if self.role == "static" and (self.align or self.stream != "main"):
            raise ValueError(
                "stream and align expect role='step'; got role='static', which has no steps: leave them out"
            )
        if self.role == "step" and self.enters != "end":
            raise ValueError(
                f"enters expects role='static'; got enters={self.enters!r} of steps: pass role='static'"
            )
        object.__setattr__(self, "columns", column_names(self.columns))

    @property
    def is_step(self) -> bool:
        return self.role == "step"

    @abstractmethod
    def read(self, argument: str, given: Any) -> Rows:
        """What a user gives as rows; ValueError names `argument`."""


@dataclass(frozen=True)
class Numeric(_Input):
    """Numbers. Of steps as tidegate.Sequences.from_any takes them, None in a list where a sequence has none;
    static (N,) or (N, K).

    standardize: to mean 0 and standard deviation 1 of the training part. projection: the width of a dense
    layer with tanh between the numbers and what reads them; None: none. missing, fill: what becomes of NaN,
    as the estimators have it; None: "mask" where there are some in fit, else "refuse". A static row that is
    all NaN is missing as a whole; other static NaN are the mean, with a column beside them that says so.
    padding: what becomes of steps of padding, as the estimators have it; other than "skip" for an input
    alone in its stream.
    """

    kind: ClassVar[str] = "numeric"

    _: KW_ONLY
    standardize: bool = True
    projection: int | None = None
    missing: str | None = None
    fill: str = "mean"
    padding: str = "skip"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.standardize, bool):
            raise ValueError(f"standardize expects True or False; got {self.standardize!r}: pass one of them")
        if self.missing is not None:
            choice("missing", self.missing, MISSING)
        choice("fill", self.fill, FILLS)
        choice("padding", self.padding, PADDINGS)
        if self.padding != "skip" and (not self.is_step or self.align):
            raise ValueError(
                f"padding expects 'skip' of an input that is static or aligned; got {self.padding!r}: "
                "leave it out"
            )
        if self.projection is not None:
            hold(self, integer, "projection")

    def read(self, argument: str, given: Any) -> Rows:
        if not self.is_step:
            return numbers_of_sequences(argument, given)
        return numbers_of_steps(argument, given, keep_padding=self.padding != "skip")


@dataclass(frozen=True)
class Category(_Input):
    """Labels of any kind, each with an embedding of `size` numbers; None is a missing one. Labels that fit
    saw fewer than min_count times, and those it did not see, share one embedding."""

    kind: ClassVar[str] = "category"

    _: KW_ONLY
    size: int = 8
    min_count: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        hold(self, integer, "size", "min_count")

    def read(self, argument: str, given: Any) -> Rows:
        return labels_of_steps(argument, given) if self.is_step else labels_of_sequences(argument, given)


@dataclass(frozen=True)
class Text(_Input):
    """A text a sequence, None or "" where it is missing.

    level: its units, a "character" or a "word" (runs of letters and digits, in lower case). size: of their
    embeddings. encoder: "recurrent", a recurrent encoder of its own with hidden_size units (None: the
    model's), or "mean", the mean of the embeddings. max_length: units that are read. max_vocabulary: how many
    different ones, the most frequent; others, and those that fit saw fewer than min_count times, share an
    embedding.
    """

    kind: ClassVar[str] = "text"

    _: KW_ONLY
    role: str = "static"
    level: str = "character"
    size: int = 32
    encoder: str = "recurrent"
    hidden_size: int | None = None
    max_length: int = 200
    max_vocabulary: int = 20_000
    min_count: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.role != "static":
            raise ValueError(f"role expects 'static' of a text; got {self.role!r}: a text is one a sequence")
        choice("level", self.level, LEVELS)
        choice("encoder", self.encoder, ENCODERS)
        hold(self, integer, "size", "max_length", "max_vocabulary", "min_count")
        if self.hidden_size is not None:
            hold(self, integer, "hidden_size")

    def read(self, argument: str, given: Any) -> Rows:
        return texts(argument, given)


@dataclass(frozen=True)
class Vector(_Input):
    """Vectors of many numbers, projected to `size`: embeddings, images, bags of words. Dense as Numeric's, or
    scipy sparse matrices, (N, D) static and a list of (T_i, D) of steps, which are never made dense: time and
    memory are those of the entries. standardize: of dense ones."""

    kind: ClassVar[str] = "vector"

    _: KW_ONLY
    size: int = 32
    standardize: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        hold(self, integer, "size")

    def read(self, argument: str, given: Any) -> Rows:
        return vectors_of_steps(argument, given) if self.is_step else vectors_of_sequences(argument, given)


InputRecord = Numeric | Category | Text | Vector
INPUTS: dict[str, type[InputRecord]] = {kind.kind: kind for kind in (Numeric, Category, Text, Vector)}
