"""Cut executions and their tags into months, on PostgreSQL, beside running writers (docs/adr/0020).

A partitioned table cannot keep `uid` unique by itself. The table of keys does: a trigger asks it before each row, so
that `ON CONFLICT DO NOTHING` and its `RETURNING` mean the same before and after.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from optimizer_app.common.problems import Conflict
from optimizer_app.common.sql import sql
from optimizer_app.services.partitions import (
    EXECUTIONS,
    KEYS,
    TABLES,
    lock,
    month_after,
    partitioned,
    parts,
    parts_make,
    rest,
)

CUTTING = 0x75706C6A  # any constant, for the lock of whoever cuts the tables
FILL = 50_000  # keys a transaction
CLOCK_AHEAD = timedelta(days=2)  # executions lie up to a day ahead of now

_KEYS = (
    "CREATE TABLE IF NOT EXISTS {keys} (uid uuid PRIMARY KEY, started_at timestamptz NOT NULL)",
    "CREATE INDEX IF NOT EXISTS optimizer_app_executionkey_time ON {keys} USING brin (started_at)",
    """CREATE OR REPLACE FUNCTION uplift_key_take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO {keys} VALUES (NEW.uid, NEW.started_at) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN RETURN NULL; END IF;
        RETURN NEW;
    END $$""",
    """CREATE OR REPLACE FUNCTION uplift_key_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'An execution keeps its id and its time.';
    END $$""",
    """CREATE OR REPLACE FUNCTION uplift_keys_give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        DELETE FROM {keys} USING gone WHERE {keys}.uid = gone.uid;
        RETURN NULL;
    END $$""",
    """CREATE OR REPLACE FUNCTION uplift_keys_clear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        TRUNCATE {keys};
        RETURN NULL;
    END $$""",
)
_TRIGGERS = (
    "CREATE TRIGGER key_take BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION uplift_key_take()",
    # Another month is another part: the row would go and come again, and its key would keep it out.
    "CREATE TRIGGER key_keep BEFORE UPDATE OF uid, started_at ON {table} FOR EACH ROW "
    "WHEN (OLD.uid != NEW.uid OR OLD.started_at != NEW.started_at) EXECUTE FUNCTION uplift_key_keep()",
    "CREATE TRIGGER keys_give AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone "
    "FOR EACH STATEMENT EXECUTE FUNCTION uplift_keys_give()",
    "CREATE TRIGGER keys_clear AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION uplift_keys_clear()",
)
_NO_TRIGGERS = tuple(
    f"DROP TRIGGER IF EXISTS {name} ON {{table}}" for name in ("key_take", "key_keep", "keys_give", "keys_clear")
)


def partition(say: Callable[[str], None]) -> None:
    """Turn the tables into partitioned ones: what is there becomes the first part, every month after it gets its own.
    Writers are held up for the moment of the exchange only; it can be run again after it was broken off. Processes of
    releases before this one cannot write afterwards. Raises OperationalError where a lock could not be had in time,
    Conflict where another process is at it."""
    with _cutting() as alone:
        if not alone:
            raise Conflict("Another process is cutting the tables already.")
        try:
            _partition(say)
        finally:
            _bounds_forget()


def partition_tidy() -> None:
    """Where cutting was broken off, its constraint would refuse what comes in the next month: take it away, unless
    somebody is cutting now."""
    if connection.vendor == "postgresql":
        with _cutting() as alone:
            if alone:
                _bounds_forget()


@contextmanager
def _cutting() -> Iterator[bool]:
    """Whether this connection alone cuts the tables, until the end."""
    [(alone,)] = sql("SELECT pg_try_advisory_lock(%s)", CUTTING)
    try:
        yield alone
    finally:
        if alone:
            sql("SELECT pg_advisory_unlock(%s)", CUTTING)


def _bound(table: str) -> str:
    """A constraint that is there while a table is cut: no row lies beyond its first part."""
    return f"{table}_end"


def _bounds_forget() -> None:
    left = "SELECT 1 FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
    for table in TABLES:
        if not partitioned(table) and sql(left, table, _bound(table)):
            sql("ALTER TABLE {table} DROP CONSTRAINT {bound}", table=table, bound=_bound(table))


def _partition(say: Callable[[str], None]) -> None:
    # Where it was broken off between the two, the second must end where the first did.
    end = parts()[0].end if partitioned() else month_after(timezone.now() + CLOCK_AHEAD)
    for table in TABLES:
        if partitioned(table):
            continue
        if table == EXECUTIONS:
            _give_keys(say)
        _prepare(table, end, say)
        with transaction.atomic():
            lock(table)
            _exchange(table, end)
            parts_make()
        sql("ANALYZE {table}", table=table)
        say(f"{table} is partitioned by month.")


def _give_keys(say: Callable[[str], None]) -> None:
    """From the triggers on every new row has its key; those that are there get theirs in steps, locked, so that none is
    deleted between the look and the key."""
    names = {"keys": KEYS, "table": EXECUTIONS}
    with transaction.atomic():
        lock(EXECUTIONS)
        for statement in (*_KEYS, *_NO_TRIGGERS, *_TRIGGERS):
            sql(statement, **names)
    [(last,)] = sql("SELECT coalesce(max(id), 0) FROM {table}", **names)
    for start in range(0, last, FILL):
        sql(
            "INSERT INTO {keys} SELECT uid, started_at FROM {table} WHERE id > %s AND id <= %s FOR KEY SHARE "
            "ON CONFLICT DO NOTHING", start, start + FILL, **names,
        )  # fmt: skip
        if start and start % (20 * FILL) == 0:
            say(f"{start:,} of {last:,} keys")


def _prepare(table: str, end: datetime, say: Callable[[str], None]) -> None:
    """What takes long and blocks nobody: indexes that the parts have, and the proof that all rows lie before `end`."""
    say(f"{table}: indexes")
    names = {"table": table, "key": f"{table}_past_pkey", "uid": f"{table}_past_uid", "end": _bound(table)}
    sql("DROP INDEX IF EXISTS {key}", **names)
    sql("CREATE UNIQUE INDEX CONCURRENTLY {key} ON {table} (id, started_at)", **names)
    if table == EXECUTIONS:
        sql("DROP INDEX IF EXISTS {uid}", **names)
        sql("CREATE INDEX CONCURRENTLY {uid} ON {table} (uid)", **names)
    sql("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {end}", **names)
    sql("ALTER TABLE {table} ADD CONSTRAINT {end} CHECK (started_at < %s) NOT VALID", end, **names)
    sql("ALTER TABLE {table} VALIDATE CONSTRAINT {end}", **names)


def _exchange(table: str, end: datetime) -> None:
    """The table becomes the first part of a new one of its name, with the same indexes and foreign keys."""
    names = {"table": table, "past": f"{table}_past", "sequence": f"{table}_id_seq", "uid": f"{table}_uid"}
    indexes, foreign = _indexes(table), _foreign_keys(table)
    [(next_id,)] = sql("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", table)
    _step_aside(table, [name for name, _ in indexes])
    sql(
        "CREATE TABLE {table} (LIKE {past} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (started_at)",
        **names,
    )
    sql("ALTER TABLE {table} DROP CONSTRAINT {end}, ADD PRIMARY KEY (id, started_at)", end=_bound(table), **names)
    sql("CREATE SEQUENCE {sequence} START %s OWNED BY {table}.id", next_id, **names)
    sql("ALTER TABLE {table} ALTER id SET DEFAULT nextval('{sequence}')", **names)
    for _, text in indexes:
        sql(text)
    for name, text in foreign:
        sql(f"ALTER TABLE {{table}} ADD CONSTRAINT {{name}} {text}", table=table, name=name)
    if table == EXECUTIONS:
        sql("CREATE INDEX {uid} ON {table} (uid)", **names)
        for statement in _TRIGGERS:
            sql(statement, table=table)
    sql("ALTER TABLE {table} ATTACH PARTITION {past} FOR VALUES FROM (MINVALUE) TO (%s)", end, **names)
    sql("ALTER TABLE {past} DROP CONSTRAINT {end}", end=_bound(table), **names)
    sql("CREATE TABLE {rest} PARTITION OF {table} DEFAULT", rest=rest(table), table=table)


def _step_aside(table: str, indexes: list[str]) -> None:
    """Free the names that the new table takes, and what a part may not have: its own key and trigger. Who pointed at
    the table would have to point at id and time together: a writer of feedback locks its execution instead."""
    names = {"table": table, "past": f"{table}_past", "key": f"{table}_past_pkey", "primary": f"{table}_pkey"}
    names["unique"] = f"{table}_uid_key"
    pointing = sql(
        "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
        "WHERE confrelid = %s::regclass AND contype = 'f'",
        table,
    )
    for other, name in pointing:
        sql("ALTER TABLE {other} DROP CONSTRAINT {name}", other=other, name=name)
    for statement in _NO_TRIGGERS:
        sql(statement, table=table)
    sql(
        "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {unique}, DROP CONSTRAINT {primary}, ALTER id DROP IDENTITY",
        **names,
    )
    sql("ALTER TABLE {table} ADD PRIMARY KEY USING INDEX {key}", **names)
    for name in indexes:
        sql("ALTER INDEX {name} RENAME TO {past}", name=name, past=f"{name}_past")
    sql("ALTER TABLE {table} RENAME TO {past}", **names)


def _indexes(table: str) -> list[tuple[Any, ...]]:
    """Names and definitions of those that the parts have in common."""
    return sql(
        "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE indrelid = %s::regclass AND NOT indisunique AND relname != %s",
        table, f"{table}_past_uid",
    )  # fmt: skip


def _foreign_keys(table: str) -> list[tuple[Any, ...]]:
    """Names and definitions."""
    return sql(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
        table,
    )
