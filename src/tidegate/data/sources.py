"""What a table is read from: a file or a data frame, its columns known before they are loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tidegate.checks import there
from tidegate.data.csv_files import CsvFile
from tidegate.data.table import Frame, Table

TABLE_ENDINGS = (".csv", ".csv.gz", ".parquet")
ARRAY_ENDINGS = (".npz", ".npy", ".ts")


class Source(Protocol):
    """title: what errors call it; names: of its columns; left_out: those not among them, in words."""

    title: str
    names: tuple[str, ...]
    left_out: str

    def load(self, names: Sequence[str], texts: Sequence[str]) -> Table:
        """These columns; where types are looked for, `texts` are text, whatever they look like."""
        ...


class ParquetFile:
    """A Parquet file; unnamed indices, as pandas stores them, are left out."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ModuleNotFoundError:
            raise ValueError(
                f"{path} expects the package pyarrow to be read; got none installed: pip install "
                "'tidegate[tables]', or write a CSV file"
            ) from None
        self.title = str(path)
        try:
            # What is read ahead stays in memory as long as the file.
            self._file = parquet.ParquetFile(path, pre_buffer=False)
        except pa.ArrowInvalid as error:
            raise ValueError(
                f"{path} is not a Parquet file: {str(error).splitlines()[0]:.200}: write it again"
            ) from None
        names = self._file.schema_arrow.names
        self.names = tuple(name for name in names if not name.startswith("__index_level_"))
        self.left_out = "an index without a name" if len(self.names) < len(names) else ""

    def load(self, names: Sequence[str], texts: Sequence[str]) -> Table:
        import narwhals as nw
        import pyarrow as pa

        try:
            # A row group is a chunk of its own, whose memory can be given back before the next one's.
            groups = range(self._file.num_row_groups)
            parts = [self._file.read_row_group(group, columns=list(names)) for group in groups]
            table = pa.concat_tables(parts) if parts else self._file.read(columns=list(names))
        except (pa.ArrowInvalid, OSError) as error:
            raise ValueError(
                f"{self.title} is a damaged Parquet file: {str(error).splitlines()[0]:.200}: write it again"
            ) from None
        return Frame(nw.from_native(table, eager_only=True), names, held=False)


class HeldFrame:
    """A data frame in memory."""

    left_out = ""

    def __init__(self, argument: str, frame: Any) -> None:
        import narwhals as nw
        from narwhals.exceptions import DuplicateError

        kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}"
        try:
            held: Any = nw.from_native(frame, eager_only=True)
            names = list(held.columns)
        except TypeError:
            remedy = "collect() it first" if hasattr(frame, "collect") else "pass one of these"
            raise ValueError(
                f"{argument} expects the path of a file ({', '.join(TABLE_ENDINGS + ARRAY_ENDINGS)}) or a "
                f"data frame of pandas, polars or Arrow; got {kind}: {remedy}; arrays and lists go to "
                "Sequences.from_any"
            ) from None
        except DuplicateError as error:
            raise ValueError(
                f"{argument} expects a name for each column; {' '.join(str(error).split())}: rename the "
                "columns"
            ) from None
        self.names = tuple(str(name) for name in names)
        if list(self.names) != names:
            held = nw.from_native(frame.set_axis(list(self.names), axis=1), eager_only=True)
        self.title = f"the {kind}"
        self.index_names = [str(name) for name in getattr(getattr(frame, "index", None), "names", ()) if name]
        self._frame = held

    def load(self, names: Sequence[str], texts: Sequence[str]) -> Table:
        return Frame(_in_utc(self._frame, names), names, held=True)


def _in_utc(held: Any, names: Sequence[str]) -> Any:
    """A narwhals.DataFrame with pandas' columns of a time zone in UTC, since narwhals reads few of the names
    of zones; the others share their memory with the frame that was held."""
    import narwhals as nw

    frame = held.to_native()
    if not nw.dependencies.is_pandas_dataframe(frame):
        return held
    zones = {name: getattr(dtype, "pyarrow_dtype", dtype) for name, dtype in frame.dtypes.items()}
    zoned = [name for name in names if getattr(zones[name], "tz", None) is not None]
    if not zoned:
        return held
    frame = frame.copy(deep=False)
    for name in zoned:
        frame[name] = frame[name].dt.tz_convert("UTC")
    return nw.from_native(frame, eager_only=True)


def open_table(argument: str, source: Any, encoding: str, option: str = "encoding") -> Source:
    """The table of a file, by its ending, or of a data frame. option: what errors call its encoding."""
    if not isinstance(source, str | os.PathLike):
        return HeldFrame(argument, source)
    path = readable(argument, source)
    return ParquetFile(path) if ending(path) == ".parquet" else CsvFile(path, encoding, option)


def load(source: Source, names: Sequence[str], types: Mapping[str, str]) -> Table:
    """These columns; ValueError where they have no rows."""
    texts = [name for name in names if types.get(name) in ("text", "category")]
    table = source.load(names, texts)
    if not table.num_rows:
        raise ValueError(f"{source.title} expects at least one row; got none: pass a table with some")
    return table


def ending(path: Path) -> str:
    """The ending of a name by which its format is known; a compressed file's is the last two."""
    return "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]).lower()


def readable(argument: str, source: str | os.PathLike[str]) -> Path:
    """The path of a file that can be opened and whose ending is known; OSError or ValueError otherwise."""
    path = Path(source)
    known = TABLE_ENDINGS + ARRAY_ENDINGS
    if path.is_dir():
        raise IsADirectoryError(f"{argument} expects a file; got the folder {path}: pass one of its files")
    there(argument, path)
    if ending(path) not in known:
        raise ValueError(
            f"{argument} expects one of the endings {', '.join(known)}; got {ending(path) or 'none'} of "
            f"{path}: convert the file, or read it into a data frame and pass that"
        )
    try:
        path.open("rb").close()
    except PermissionError:
        raise PermissionError(
            f"{argument} expects a file that may be read; got {path}, which may not: change its permissions"
        ) from None
    return path
