"""Read a request of records: JSON or NDJSON, gzipped or not, bounded in size; each row on its own."""

import zlib
from typing import Any, TypeVar

import msgspec

from optimizer_app.common.problems import Refused
from optimizer_app.services.executions import Receipt, RowError

T = TypeVar("T")
MOST_BYTES = 32 * 1024 * 1024
MOST_ROWS = 5_000
MOST_ROW_BYTES = 1024 * 1024
_ZERO = rb"\u0000"


class Unreadable(Refused):
    """The body as a whole is no list of records."""

    status = 400  # type: ignore[assignment]


class TooLarge(Refused):
    """More than one request may hold."""

    status = 413  # type: ignore[assignment]


def body_of(raw: bytes, encoding: str) -> bytes:
    """The plain bytes of a request, unpacked up to MOST_BYTES. Raises Refused."""
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise Unreadable(f"Content-Encoding {encoding} is not known; send gzip or plain.")
    if encoding in ("gzip", "deflate"):
        unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever its head says
        try:
            raw = unpacker.decompress(raw, MOST_BYTES + 1)
            whole = unpacker.eof or len(raw) > MOST_BYTES
        except zlib.error as error:
            raise Unreadable(f"The body is not {encoding}: {error}.") from None
        if not whole:
            raise Unreadable(f"The body ends in the middle of its {encoding} data.")
    if len(raw) > MOST_BYTES:
        raise TooLarge(f"The body is larger than {MOST_BYTES // 2**20} MB; send fewer rows at once.")
    return raw


def rows_of(raw: bytes, content_type: str, kind: type[T], key: str) -> tuple[list[tuple[int, T]], Receipt]:
    """Numbered records, and a receipt that names the rows that are none. JSON bodies are `{key: [...]}` or a list."""
    receipt = Receipt()
    rows = _split(raw, content_type, key)
    if len(rows) > MOST_ROWS:
        raise TooLarge(f"{len(rows):,} rows; at most {MOST_ROWS:,} at once.")
    decoder = msgspec.json.Decoder(kind)
    records: list[tuple[int, T]] = []
    for number, row in enumerate(rows):
        if problem := _row_problem(row):
            receipt.errors.append(RowError(number, _id_of(row), problem))
            continue
        try:
            records.append((number, decoder.decode(row)))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            receipt.errors.append(RowError(number, _id_of(row), str(error) or type(error).__name__))
    return records, receipt


def _split(raw: bytes, content_type: str, key: str) -> list[Any]:
    if content_type.startswith(("application/x-ndjson", "application/jsonl", "application/ndjson")):
        return [line for line in raw.split(b"\n") if line.strip()]
    try:
        if raw.lstrip()[:1] == b"[":
            return [bytes(row) for row in msgspec.json.decode(raw, type=list[msgspec.Raw])]
        whole = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        if set(whole) != {key}:
            raise Unreadable(f"The body is a list of rows, or an object with the one key “{key}”.")
        return [bytes(row) for row in msgspec.json.decode(whole[key], type=list[msgspec.Raw])]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"The body cannot be read: {error}.") from None


def _row_problem(row: bytes) -> str:
    if len(row) > MOST_ROW_BYTES:
        return f"The row has {len(row):,} bytes; at most {MOST_ROW_BYTES:,} are taken."
    return "A text holds a zero character, \\u0000, which cannot be stored." if _ZERO in row or b"\0" in row else ""


def _id_of(row: bytes) -> str:
    """The row's id for the error report, if it has one that can be read."""
    try:
        return str(msgspec.json.decode(row, type=dict[str, Any]).get("id", ""))[:64]
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
