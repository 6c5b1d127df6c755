"""Read files into rows of cells. Bad files end in one sentence that says where."""

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from optimizer_app.common.problems import Refused

MAX_COLUMNS = 200
MAX_ROWS = 100_000
MAX_CELL = 100_000  # characters


@dataclass(frozen=True)
class Table:
    """Columns and numbered rows: (number as an editor shows it, cells by column)."""

    columns: list[str]
    rows: list[tuple[int, dict[str, Any]]]


NOT_JSON = (ValueError, RecursionError)
ENDINGS = (".csv", ".jsonl", ".json", ".parquet", ".zip")
# What a spreadsheet would run: =…, or +NAME(, -NAME(, @NAME(
_FORMULA = re.compile(r"=|[+\-@]\s*[A-Za-z]+\(")
_PROTECTED = re.compile(r"'(?=[=+\-@\t\r'])")  # an export puts the apostrophe there


def read_table(file_name: str, body: str) -> Table:
    """A table from a text; the name's ending tells CSV from JSON lines. Raises Refused."""
    name = file_name.lower()
    if name.endswith(".csv"):
        table = _read_csv(body)
    elif name.endswith((".jsonl", ".ndjson")):
        table = _read_jsonl(body)
    else:
        raise Refused(f"{file_name}: only {', '.join(ENDINGS)} files can be imported.")
    if not table.rows:
        raise Refused(f"{file_name} has no rows.")
    return table


def decode(file_name: str, raw: bytes) -> str:
    """The text of a file, which must be UTF-8."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Refused(f"{file_name}, line {line}: the file is not UTF-8. Save it as UTF-8 and try again.") from None
    if "\0" in text or "\\u0000" in text:
        raise Refused(f"{file_name} holds zero bytes, which no text has. Remove them.")
    return text


def _read_csv(body: str) -> Table:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(body), strict=True)
    rows: list[tuple[int, dict[str, Any]]] = []
    try:
        columns = [cell.strip() for cell in next(reader, [])]
        _check_columns(columns)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(columns):
                raise Refused(f"Line {reader.line_num}: {len(cells)} cells, but the header has {len(columns)} columns.")
            _check_rows(rows)
            rows.append((reader.line_num, _cells(reader.line_num, columns, cells)))
    except csv.Error as error:
        raise Refused(f"Line {reader.line_num}: {error}. Is this a CSV file with commas and double quotes?") from None
    return Table(columns, rows)


def _cells(line: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    for column, cell in zip(columns, cells, strict=True):
        if _FORMULA.match(cell):
            raise Refused(
                f"Line {line}, column {column}: the cell holds a spreadsheet formula, “{cell[:40]}”. Save values "
                "instead of formulas, or put an apostrophe before a text that only looks like one."
            )
    return {column: _PROTECTED.sub("", cell, count=1) for column, cell in zip(columns, cells, strict=True)}


def strict_json(text: str) -> Any:
    """JSON without NaN, Infinity and doubled keys. Raises NOT_JSON."""
    return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that JSON has")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A line of OpenAI's fine-tuning format as columns: what the messages hold, as fields where they are objects."""
    messages = row.get("messages")
    if set(row) != {"messages"} or not isinstance(messages, list):
        return row
    cells: dict[str, Any] = {}
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            return row
        try:
            told = strict_json(message["content"])
        except NOT_JSON:
            told = None
        cells |= told if isinstance(told, dict) else {str(message.get("role", "message")): message["content"]}
    return cells


def _read_jsonl(body: str) -> Table:
    columns: dict[str, None] = {}
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(body.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = strict_json(line)
        except NOT_JSON as error:
            raise Refused(f"Line {number} is not valid JSON: {error}.") from None
        if not isinstance(row, dict):
            raise Refused(f"Line {number}: a JSON object is expected, one per line.")
        row = _flat(row)
        columns.update(dict.fromkeys(row))
        _check_rows(rows)
        rows.append((number, row))
    _check_columns(list(columns))
    return Table(list(columns), rows)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a key stands twice in one object")
    return dict(pairs)


def _check_columns(columns: list[str]) -> None:
    if not columns or not all(columns):
        raise Refused("The first line must name every column.")
    if len(columns) > MAX_COLUMNS:
        raise Refused(f"{len(columns)} columns; at most {MAX_COLUMNS} can be imported.")
    if twice := {column for column in columns if columns.count(column) > 1}:
        raise Refused(f"The column “{min(twice)}” is named twice.")


def _check_rows(rows: list[tuple[int, dict[str, Any]]]) -> None:
    if len(rows) >= MAX_ROWS:
        raise Refused(f"More than {MAX_ROWS:,} rows; split the file.")
