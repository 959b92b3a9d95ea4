"""Tables from CSV files: by pyarrow where it is installed, otherwise by Python's csv module."""

from __future__ import annotations

import codecs
import csv
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from tidegate.data.table import Arrays, Frame, Table
from tidegate.data.times import looks_like_a_date, parse_dates

SEPARATORS = (",", ";", "\t", "|")
# What stands for a missing value, as pyarrow and pandas have it.
_MISSING = ("", "#N/A", "#NA", "-NaN", "-nan", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null")
_ROWS_AT_A_TIME = 50_000
# Bytes that pyarrow parses at a time; a block must hold a whole line.
_BLOCK, _LARGE_BLOCK = 1 << 20, 1 << 27


class CsvFile:
    """A CSV file, its columns known and not yet read.

    The first line names the columns. The separator is the one of , ; tab | that the first line has most of.
    Columns without a name (as pandas writes its index) are left out.
    """

    def __init__(self, path: Path, encoding: str, option: str = "encoding") -> None:
        self.path = path
        self.title = str(path)
        self._option = option
        self._encoding = _known_encoding(option, encoding)
        self._compressed = path.suffix.lower() == ".gz"
        with self._reading():
            header = self._header()
        counts = Counter(header)
        self.names = tuple(name for name in header if name)
        self.left_out = ("", "a column without a name", "columns without a name")[min(counts[""], 2)]
        self._places = {name: place for place, name in enumerate(header)}
        self._check_header(counts)

    def _header(self) -> list[str]:
        with self._open() as lines:
            first = next(lines, "")
            self._separator = max(SEPARATORS, key=first.count)
        with self._open() as lines:
            return next(csv.reader(lines, delimiter=self._separator), [])

    def _check_header(self, counts: Counter[str]) -> None:
        if not self.names:
            raise ValueError(f"{self.path} expects a first line that names the columns; got none: add one")
        numbers = [name for name in self.names if _is_fraction(name)]
        if numbers:
            raise ValueError(
                f"{self.path} expects a first line that names the columns; got the number {numbers[0]} among "
                "them: add a line of names"
            )
        twice = [name for name in self.names if counts[name] > 1]
        if twice:
            raise ValueError(
                f"{self.path} expects a name for each column; got {twice[0]!r} {counts[twice[0]]} times: "
                "rename the columns"
            )

    def load(self, names: Sequence[str], texts: Sequence[str]) -> Table:
        """These columns; `texts` are left as text, whatever they look like."""
        with self._reading():
            if find_spec("pyarrow") is not None:
                table = self._by_pyarrow(names, texts)
            else:
                table = Arrays(self._by_csv_module(names, set(texts)))
        table.place = self.line
        return table

    def line(self, row: int) -> str:
        """The line of the file that a row begins on; empty lines are no rows, and a text in quotes may have
        several."""
        with self._open() as lines:
            reader = csv.reader(lines, delimiter=self._separator)
            next(reader)
            begins, left = reader.line_num + 1, row
            for fields in reader:
                if fields and left == 0:
                    break
                left -= bool(fields)
                begins = reader.line_num + 1
        return f"line {begins} of {self.path.name}"

    def _by_pyarrow(self, names: Sequence[str], texts: Sequence[str]) -> Table:
        import narwhals as nw
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        def parse(read: Any, types: dict[str, Any], block_size: int, lines_in_quotes: bool) -> Any:
            return read(
                self.path,
                arrow_csv.ReadOptions(encoding=self._encoding, block_size=block_size),
                arrow_csv.ParseOptions(delimiter=self._separator, newlines_in_values=lines_in_quotes),
                arrow_csv.ConvertOptions(
                    include_columns=list(names),
                    column_types={name: types[name] for name in names if name in types},
                    null_values=list(_MISSING),
                    strings_can_be_null=True,
                ),
            )

        wanted = {name: pa.string() for name in texts}
        try:
            # pyarrow keeps all text in memory while it looks for types: give it those of the first block.
            block_size = max(_BLOCK, 64 * sum(map(len, self._places)))
            with parse(arrow_csv.open_csv, wanted, block_size, False) as first:
                seen = {field.name: field.type for field in first.schema if field.type != pa.null()}
            table = parse(arrow_csv.read_csv, seen, block_size, False)
        except pa.ArrowInvalid:
            try:
                table = parse(arrow_csv.read_csv, wanted, _LARGE_BLOCK, True)
            except pa.ArrowInvalid as error:
                self._check_encoding()
                message = " ".join(str(error).split())
                raise ValueError(
                    f"{self.path} expects rows of {len(self._places)} columns; {message:.200}: mend the file"
                ) from None
        if any(pa.types.is_binary(kind) for kind in table.schema.types):
            self._check_encoding()
        return Frame(nw.from_native(table, eager_only=True), names, held=False)

    def _by_csv_module(self, names: Sequence[str], texts: set[str]) -> dict[str, NDArray[Any]]:
        pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        with self._open() as lines:
            reader = csv.reader(lines, delimiter=self._separator)
            next(reader)
            while block := list(islice(reader, _ROWS_AT_A_TIME)):
                rows = [row for row in block if row]
                for row in rows:
                    if len(row) != len(self._places):
                        raise ValueError(
                            f"{self.path} expects rows of {len(self._places)} columns; got {len(row)} in the "
                            f"row that begins {','.join(row[:3])!r:.60}: mend the file"
                        )
                for name in names:
                    place = self._places[name]
                    cells = [row[place] for row in rows]
                    pieces[name].append(_texts(cells) if name in texts else _looked_at(cells))
        mixed = {name for name in names if len({_rank(piece) for piece in pieces[name]}) > 1}
        if mixed:
            return self._by_csv_module(names, texts | mixed)
        return {name: _whole(pieces[name], name in texts) for name in names}

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What can go wrong with the bytes of a file, as ValueError."""
        try:
            yield
        except UnicodeError:
            self._check_encoding()
            raise
        except (OSError, EOFError, zlib.error) as error:
            # An error of the system has a number, one of the decompression none.
            if getattr(error, "errno", None) is not None or not self._compressed:
                raise
            raise ValueError(f"{self.path} is not a whole .gz file: {error}: write it again") from None
        except csv.Error as error:
            raise ValueError(f"{self.path} is not a CSV file: {error}: pass a text file") from None

    def _open(self) -> TextIO:
        opened: Callable[..., TextIO] = gzip.open if self._compressed else open
        encoding = "utf-8-sig" if self._encoding == "utf-8" else self._encoding
        return opened(self.path, "rt", encoding=encoding, newline="")

    def _check_encoding(self) -> None:
        """ValueError where the file is not text in its encoding; names the line."""
        decoder = codecs.getincrementaldecoder(self._encoding)()
        opened: Callable[..., Any] = gzip.open if self._compressed else open
        with opened(self.path, "rb") as file:
            for number in count(1):
                line = file.readline()
                try:
                    decoder.decode(line, final=not line)
                except UnicodeError as error:
                    got = str(error)
                    if isinstance(error, UnicodeDecodeError):
                        got = f"byte 0x{error.object[error.start]:02x}"
                    other = "utf-16" if line[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin-1"
                    raise ValueError(
                        f"{self.path} expects text in {self._encoding}; got {got} in line {number}: pass "
                        f"{self._option}= as it was written, perhaps {other!r}"
                    ) from None
                if not line:
                    return


def _known_encoding(option: str, encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except (LookupError, TypeError):
        raise ValueError(
            f"{option} expects one that Python knows, as 'utf-8' or 'latin-1'; got {encoding!r}: pass one"
        ) from None


def _is_fraction(name: str) -> bool:
    """Whether a name is a number, and not a whole one, which may count columns."""
    try:
        number = float(name)
    except ValueError:
        return False
    return math.isfinite(number) and not number.is_integer()


def _texts(cells: list[str]) -> NDArray[Any]:
    return np.array([None if cell in _MISSING else cell for cell in cells], dtype=object)


def _looked_at(cells: list[str]) -> NDArray[Any]:
    """Whole numbers, numbers, booleans or text, the first that all cells are."""
    for dtype in (np.int64, np.float64):
        try:
            return np.array(cells, dtype=dtype)
        except (ValueError, OverflowError):
            pass
    try:
        return np.array(["nan" if cell in _MISSING else cell for cell in cells], dtype=np.float64)
    except ValueError:
        pass
    if {cell.lower() for cell in cells} <= {"true", "false"}:
        return np.array([cell.lower() == "true" for cell in cells])
    return _texts(cells)


def _rank(piece: NDArray[Any]) -> str:
    """Pieces of one rank are one column."""
    return "number" if piece.dtype.kind in "if" else piece.dtype.kind


def _whole(pieces: list[NDArray[Any]], as_text: bool) -> NDArray[Any]:
    """The pieces of a column; dates where all of a column of text are."""
    column = np.concatenate(pieces) if pieces else np.empty(0)
    if column.dtype.kind != "O" or as_text:
        return column
    present = np.array([value is not None for value in column], dtype=bool)
    if not present.any() or not looks_like_a_date(column[present][0]):
        return column
    try:
        dates = parse_dates(column[present])
    except ValueError:
        return column
    whole = np.full(len(column), np.datetime64("NaT"), dtype=dates.dtype)
    whole[present] = dates
    return whole
