"""Files that are no plain text, as rows: JSON, Parquet, a zipped Hugging Face folder. Bounded in size when unpacked."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from optimizer_app.common.problems import Refused
from optimizer_app.services.tables import MAX_COLUMNS, MAX_ROWS, NOT_JSON, decode, strict_json

MOST_UNPACKED = 256 * 1024 * 1024
MOST_FILES = 200
DATA_ENDINGS = (".parquet", ".jsonl", ".csv", ".json")


def read_rows(file_name: str, raw: bytes) -> list[dict[str, Any]] | None:
    """The rows of such a file; None for CSV and JSONL, which are read as texts. Raises Refused."""
    name = file_name.lower()
    if name.endswith(".parquet"):
        return _parquet(file_name, raw)
    if name.endswith(".json"):
        return _json(file_name, decode(file_name, raw))
    if name.endswith(".zip"):
        return list(_folder(file_name, raw))
    return None


def _json(file_name: str, text: str) -> list[dict[str, Any]]:
    try:
        found = strict_json(text)
    except NOT_JSON as error:
        raise Refused(f"{file_name} is not valid JSON: {error}.") from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Refused(f"{file_name}: a list of objects is expected, one for each example.")
    return found


def _parquet(file_name: str, raw: bytes) -> list[dict[str, Any]]:
    # Imported where it is used: it costs a process 40 MB that most do not need.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        told = file.metadata
        unpacked = sum(told.row_group(number).total_byte_size for number in range(told.num_row_groups))
        if told.num_columns > MAX_COLUMNS:
            raise Refused(f"{file_name}: {told.num_columns} columns; at most {MAX_COLUMNS} can be imported.")
        if told.num_rows > MAX_ROWS:
            raise Refused(f"{file_name}: {told.num_rows:,} rows; at most {MAX_ROWS:,} at once. Split the file.")
        if unpacked > MOST_UNPACKED:
            raise Refused(f"{file_name} unpacks to more than {MOST_UNPACKED // 2**20} MB.")
        rows: list[dict[str, Any]] = []
        for batch in file.iter_batches(batch_size=1000):
            rows += batch.to_pylist()
            if len(rows) > MAX_ROWS:  # the head may lie
                raise Refused(f"{file_name}: more than {MAX_ROWS:,} rows. Split the file.")
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise Refused(f"{file_name} is not a Parquet file that can be read: {error}") from None
    return [_plain(file_name, row) for row in rows]


def _plain(file_name: str, row: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(row, allow_nan=False)
    except (TypeError, ValueError):
        return {name: _value(file_name, name, value) for name, value in row.items()}
    return row


def _value(file_name: str, name: str, value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
        return value
    except ValueError:
        raise Refused(f"{file_name}, column {name}: a number that is not finite cannot be imported.") from None
    except TypeError:
        return str(value)  # dates and decimals, as people write them


def _folder(file_name: str, raw: bytes) -> Iterator[dict[str, Any]]:
    """The rows of every data file in the folder; a file called train.…, validation.… or test.… says so in “split”."""
    try:
        folder = zipfile.ZipFile(io.BytesIO(raw))
        entries = [entry for entry in folder.infolist() if entry.filename.lower().endswith(DATA_ENDINGS)]
        if len(folder.infolist()) > MOST_FILES:
            raise Refused(f"{file_name} holds more than {MOST_FILES} files.")
        if not entries:
            raise Refused(f"{file_name} holds no data: no file that ends in {', '.join(DATA_ENDINGS)}.")
        left = MOST_UNPACKED
        for entry in sorted(entries, key=lambda entry: entry.filename):
            with folder.open(entry) as packed:
                part = packed.read(left + 1)  # what the head says of its size may be a lie
            left -= len(part)
            if left < 0:
                raise Refused(f"{file_name} unpacks to more than {MOST_UNPACKED // 2**20} MB.")
            yield from _part(entry.filename, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused(f"{file_name} is not a zip file that can be read: {error}.") from None


def _part(name: str, raw: bytes) -> Iterator[dict[str, Any]]:
    from optimizer_app.services.tables import read_table

    rows = read_rows(name, raw)
    if rows is None:
        rows = [cells for _, cells in read_table(name, decode(name, raw)).rows]
    stem = name.rpartition("/")[2].partition(".")[0].partition("-")[0]
    split = {"split": stem} if stem in ("train", "validation", "test") else {}
    for row in rows:
        yield split | row
