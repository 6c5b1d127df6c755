"""The monthly parts of executions and their tags on PostgreSQL: made ahead, dropped whole when nobody keeps them."""

import logging
import re
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from optimizer_app.common.sql import sql
from optimizer_app.models import Execution, ExecutionTag, Feedback, Worker

EXECUTIONS, TAGS = TABLES = (Execution._meta.db_table, ExecutionTag._meta.db_table)
KEYS = "optimizer_app_executionkey"  # one row for each execution, which makes its `uid` unique over all parts
AHEAD = 3  # months: upkeep may rest for a quarter before new executions land in the part of the rest
_BOUND = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(?P<start>[^']+)')\) TO \('(?P<end>[^']+)'\)")
logger = logging.getLogger(__name__)


class Part(NamedTuple):
    """A part of a table, with its first moment (None: no limit) and the first one after it."""

    name: str
    start: datetime | None
    end: datetime


def partitioned(table: str = EXECUTIONS) -> bool:
    """Whether the table is cut into parts; never on SQLite."""
    if connection.vendor != "postgresql":
        return False
    return bool(sql("SELECT 1 FROM pg_partitioned_table WHERE partrelid = %s::regclass", table))


def rest(table: str) -> str:
    """The part for what lies in no month that has one: old records that come in late."""
    return f"{table}_rest"


def parts(table: str = EXECUTIONS) -> list[Part]:
    """The months of a partitioned table in their order; the first one may hold all that was there before."""
    found = sql(
        "SELECT relname, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits "
        "JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass",
        table,
    )
    bounds = [(name, bound) for name, text in found if (bound := _BOUND.match(text))]
    made = [
        Part(name, datetime.fromisoformat(b["start"]) if b["start"] else None, datetime.fromisoformat(b["end"]))
        for name, b in bounds
    ]
    return sorted(made, key=lambda part: part.end)


def parts_make() -> list[str]:
    """Make the parts of this month and the next ones where they are missing; their names. What landed in the part of
    the rest meanwhile moves to its month. Raises OperationalError where a lock cannot be had in time."""
    made = []
    for table in TABLES:
        if not partitioned(table):
            continue
        month = max(parts(table)[-1].end, month_after(timezone.now(), months=0))
        while month < month_after(timezone.now(), months=AHEAD + 1):
            made.append(part_make(table, month, month_after(month)))
            month = month_after(month)
    return made


def part_make(table: str, start: datetime, end: datetime) -> str:
    """Make one part, for moments from `start` up to before `end`, with what lies in the part of the rest; its name."""
    names = {"part": f"{table}_{start:%Y_%m}", "table": table, "rest": rest(table)}
    with transaction.atomic():
        lock(rest(table))
        sql("CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)", **names)
        sql(
            "WITH moved AS (DELETE FROM {rest} WHERE started_at >= %s AND started_at < %s RETURNING *) "
            "INSERT INTO {part} SELECT * FROM moved", start, end, **names
        )  # fmt: skip
        sql("ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM (%s) TO (%s)", start, end, **names)
    return names["part"]


def parts_drop() -> int:
    """Drop the months that are over and hold nothing that a worker keeps, at once instead of row by row; how many
    executions went with them. Where a lock cannot be had, the next round tries again."""
    if not partitioned():
        return 0
    tags = {part.end: part.name for part in parts(TAGS)}
    over = [part for part in parts() if part.end <= timezone.now()]
    return sum(_drop(part, tags.get(part.end)) for part in over if not _kept(part))


def parts_analyze() -> None:
    """Tell the planner what the parts hold together, once that changed by a tenth: PostgreSQL looks at each part by
    itself, and without it a search for a tag among 300,000 executions took 733 ms instead of 41."""
    for table in TABLES:
        if partitioned(table):
            [(known, held)] = sql(
                "SELECT whole.reltuples, sum(greatest(part.reltuples, 0)) FROM pg_class whole "
                "JOIN pg_inherits ON inhparent = whole.oid JOIN pg_class part ON part.oid = inhrelid "
                "WHERE whole.oid = %s::regclass GROUP BY whole.reltuples",
                table,
            )
            if abs(held - known) > max(known, 0) / 10:
                sql("ANALYZE {table}", table=table)


def month_after(moment: datetime, months: int = 1) -> datetime:
    """The first moment of a month, counted from that of the moment, in UTC."""
    moment = moment.astimezone(UTC)
    years, index = divmod(moment.month - 1 + months, 12)
    return datetime(moment.year + years, index + 1, 1, tzinfo=UTC)


def lock(*tables: str) -> None:
    """Keep everybody out of the tables until the transaction ends; of their parts as well, which are reached through
    them. Raises OperationalError where it would have to wait for more than five seconds: others wait behind it."""
    sql("SET LOCAL lock_timeout = '5s'")
    for table in tables:
        sql("LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE", table=table)


def _kept(part: Part) -> bool:
    """Whether it holds an execution that its worker has not had for longer than it wants."""
    return bool(
        sql(
            "SELECT 1 FROM {worker} w WHERE EXISTS (SELECT 1 FROM {part} p WHERE p.worker_id = w.id "
            "AND p.started_at >= coalesce(now() - make_interval(days => w.retention_days), '-infinity')) LIMIT 1",
            worker=Worker._meta.db_table, part=part.name,
        )
    )  # fmt: skip


def _drop(part: Part, tags: str | None) -> int:
    """What hangs on it goes first, since that takes long and locks nobody out. An execution that came in late meanwhile
    and is kept gets its key again, and the part stays."""
    names = {"part": part.name, "keys": KEYS, "feedback": Feedback._meta.db_table}
    [(count,)] = sql("SELECT count(*) FROM {part}", **names)
    first = part.start or "-infinity"
    sql("DELETE FROM {keys} WHERE started_at >= %s AND started_at < %s", first, part.end, **names)
    sql("DELETE FROM {feedback} f USING {part} p WHERE f.execution_id = p.id", **names)
    try:
        with transaction.atomic():
            lock(*TABLES)
            if _kept(part):
                sql("INSERT INTO {keys} SELECT uid, started_at FROM {part} ON CONFLICT DO NOTHING", **names)
                return 0
            sql("DROP TABLE {part}", part=part.name)
            if tags:
                sql("DROP TABLE {part}", part=tags)
    except OperationalError as error:
        logger.warning("%s could not be dropped; the next round tries again: %s", part.name, error)
        return 0
    return int(count)
