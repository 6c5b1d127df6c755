"""Write executions in bulk, past the ORM.

Measured with 500 rows: `bulk_create` takes 53 ms on SQLite and 67 ms on PostgreSQL, one statement 19 and 13 ms.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from optimizer_app.models import Execution, ExecutionTag


class Row(NamedTuple):
    """The columns of one execution, as Python values; `metadata` is JSON text."""

    uid: UUID
    worker_id: int
    version_id: int | None
    started_at: Any
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    success: bool
    error_kind: str
    path: str
    model: str
    trace_id: str
    label: str
    score: float | None
    subject: str
    metadata: str
    body: bytes


TAG_LENGTH = 200  # a placeholder may be longer than what it stands for
_TABLE = Execution._meta.db_table
_COLUMNS = ", ".join(Row._fields)
_POSTGRES_TYPES = (
    "uuid", "bigint", "bigint", "timestamptz", "float8", "int4", "int4", "float8", "bool", "text", "text", "text",
    "text", "text", "float8", "text", "jsonb", "bytea",
)  # fmt: skip


def rows_insert(rows: Sequence[Row]) -> dict[UUID, int]:
    """Insert inside the caller's transaction, leaving out ids that are there already; those that were inserted, with
    their primary keys."""
    if not rows:
        return {}
    # In the order of their ids: two writers with the same rows wait for each other instead of in a circle.
    ordered = sorted(rows, key=lambda row: row.uid)
    return _insert_postgres(ordered) if connection.vendor == "postgresql" else _insert_sqlite(ordered)


def tags_insert(rows: Sequence[Row], ids: dict[UUID, int], metadata: dict[UUID, dict[str, Any]]) -> None:
    """The searchable pairs of executions that were just inserted, with the primary keys they got."""
    ExecutionTag.objects.bulk_create(
        [
            ExecutionTag(
                execution_id=ids[row.uid], name=name, value=tag_text(value)[:TAG_LENGTH], started_at=row.started_at
            )
            for row in rows
            for name, value in {**metadata.get(row.uid, {}), **_path(row)}.items()
        ],
        batch_size=500,
    )


def tag_text(value: object) -> str:
    """A metadata value as it is searched for."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(row: Row) -> dict[str, str]:
    return {} if row.path == Execution.Path.PROGRAM else {ExecutionTag.PATH: row.path}


def _insert_sqlite(rows: Sequence[Row]) -> dict[UUID, int]:
    """Its transactions stand in line, so what is not there now is not there a moment later."""
    there = set(Execution.objects.filter(uid__in=[row.uid for row in rows]).values_list("uid", flat=True))
    new = [row for row in rows if row.uid not in there]
    marks = ", ".join(["%s"] * len(Row._fields))
    adapt = connection.ops.adapt_datetimefield_value
    values = [row._replace(uid=row.uid.hex, started_at=adapt(row.started_at)) for row in new]  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES ({marks})", values)  # noqa: S608 - own names
    return dict(Execution.objects.filter(uid__in=[row.uid for row in new]).values_list("uid", "id"))


def _insert_postgres(rows: Sequence[Row]) -> dict[UUID, int]:
    """ON CONFLICT names no column: on a partitioned table it is a trigger that leaves rows out, not an index."""
    arrays = ", ".join(f"%s::{kind}[]" for kind in _POSTGRES_TYPES)
    columns = [list(column) for column in zip(*rows, strict=True)]
    insert = f"INSERT INTO {_TABLE} ({_COLUMNS}) SELECT * FROM unnest({arrays})"  # noqa: S608 - own names
    with connection.cursor() as cursor:
        cursor.execute(f"{insert} ON CONFLICT DO NOTHING RETURNING uid, id", columns)
        return dict(cursor.fetchall())
