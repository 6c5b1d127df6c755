"""What PostgreSQL does as executions grow: `DATABASE_URL=… python -m tests.bench.capacity [MILLIONS …]`.

Fills an empty database in steps, spread over the twelve months before now, each row with a body of 300 bytes and every
fourth with a tag (past the triggers, half a minute a million). After each step it prints rows a second that one writer
stores, with random ids and with ids that grow with time (UUIDv7), the median time of the pages that read executions,
and the bytes that a row takes. At the end it drops the oldest month.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings")
os.environ.setdefault("BROKER_URL", "memory://")
django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from optimizer_app.common.sql import sql
from optimizer_app.models import Execution, Worker
from optimizer_app.sdk.ids import new_id
from optimizer_app.services.execution_rows import Row, rows_insert
from optimizer_app.services.partitions import EXECUTIONS, KEYS, TABLES, month_after, part_make, parts, parts_drop
from tests.factories.workers import routing_worker

WORKERS, MONTHS, BATCH, BATCHES, TIMES = 200, 12, 200, 100, 20
NOW = datetime.now(UTC)
FILL = """INSERT INTO {table} (uid, worker_id, version_id, started_at, latency_ms, tokens_in, tokens_out, cost_usd,
success, error_kind, path, model, trace_id, label, score, subject, metadata, body)
SELECT gen_random_uuid(), w.ids[1 + n %% %s], w.versions[1 + n %% %s], %s::timestamptz + n * %s::interval, 300, 400, 20,
0.0004, n %% 33 != 0, CASE WHEN n %% 33 = 0 THEN 'TimeoutError' ELSE '' END, 'program', 'openai/gpt', md5(n::text),
'K' || n %% 3, CASE WHEN n %% 3 = 0 THEN random() END, md5((n %% 50000)::text), '{{}}',
decode(repeat(md5(n::text), 19), 'hex') FROM generate_series(1, %s) n,
  (SELECT array_agg(id ORDER BY id) ids, array_agg(active_version_id ORDER BY id) versions FROM {worker}) w"""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def months_make() -> None:
    """A part for each of the last months, in the place of the one for all that was before."""
    for table in TABLES:
        sql("DROP TABLE {past}", past=parts(table)[0].name)
        for back in range(MONTHS, -1, -1):
            part_make(table, month_after(NOW, -back), month_after(NOW, 1 - back))


def fill(rows: int) -> None:
    """The same number of rows into each month before this one."""
    each, names = rows // MONTHS, {"table": EXECUTIONS, "worker": Worker._meta.db_table, "keys": KEYS}
    [(last,)] = sql("SELECT coalesce(max(id), 0) FROM {table}", **names)
    for back in range(MONTHS, 0, -1):
        start = month_after(NOW, -back)
        step = (month_after(start) - start) / (each + 1)
        with transaction.atomic():
            sql("SET LOCAL session_replication_role = replica")
            sql(FILL, WORKERS, WORKERS, start, step, each, **names)
    sql("INSERT INTO {keys} SELECT uid, started_at FROM {table} WHERE id > %s", last, **names)
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql("INSERT INTO {tags} (execution_id, name, value, started_at) SELECT id, 'tenant', 'north', started_at "
            "FROM {table} WHERE id > %s AND id %% 4 = 0", last, tags=TABLES[1], **names)  # fmt: skip
    for table in (*TABLES, KEYS):
        sql("VACUUM ANALYZE {table}", table=table)
    sql("CHECKPOINT")


def rows_a_second(worker: Worker, new_id: Callable[[], UUID]) -> float:
    """The median over batches that one writer stores, each in its transaction."""
    taken, body = [], os.urandom(300)
    for _ in range(BATCHES):
        rows = [
            Row(new_id(), worker.pk, worker.active_version_id, datetime.now(UTC), 300, 400, 20, 0.0004, True, "",
                "program", "openai/gpt", uuid4().hex, "K1", None, uuid4().hex, "{}", body)
            for _ in range(BATCH)
        ]  # fmt: skip
        started = time.perf_counter()
        with transaction.atomic():
            rows_insert(rows)
        taken.append(time.perf_counter() - started)
    return BATCH / median(taken)


def pages(client: Client, worker: Worker) -> dict[str, float]:
    """Median milliseconds."""
    some = Execution.objects.filter(started_at__gte=NOW - timedelta(days=200)).order_by("started_at")[:1].get()
    asked = {
        "newest": "/executions/", "one worker": f"/executions/?worker={worker.name}",
        "failed": "/executions/?outcome=error",
        "by id": f"/executions/?id={some.uid}", "trace": f"/executions/?trace_id={some.trace_id}",
        "one day half a year ago": f"/executions/?until={some.started_at:%Y-%m-%dT%H:%M}",
        "tag": "/executions/?tag=tenant=north", "overview": "/", "trends": f"/workers/{worker.pk}/trends/",
    }  # fmt: skip
    found = {}
    for name, path in asked.items():
        taken = []
        for _ in range(TIMES):
            started = time.perf_counter()
            response = client.get(path)
            taken.append((time.perf_counter() - started) * 1000)
            assert response.status_code == 200, (name, response.status_code)
        found[name] = median(taken)
    return found


def bytes_a_row(rows: int) -> str:
    """Of the table with its indexes, tags included, and of the keys."""
    [(table, keys)] = sql(
        "SELECT sum(pg_total_relation_size(inhrelid)), pg_total_relation_size(%s::regclass) FROM pg_inherits "
        "JOIN pg_class ON pg_class.oid = inhrelid WHERE relkind = 'r'", KEYS
    )  # fmt: skip
    return f"{table / rows:.0f} + {keys / rows:.0f}"


def main() -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    call_command("migrate", verbosity=0)
    for _ in range(WORKERS - Worker.objects.count()):
        routing_worker()
    if len(parts()) < MONTHS:
        months_make()
    worker = Worker.objects.order_by("id")[7]
    person, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(person)
    stored = 0
    for millions in [float(word) for word in sys.argv[1:]] or [1, 10]:
        rows = round(millions * 1_000_000)
        began = time.perf_counter()
        fill(rows - stored)
        stored = rows
        say(f"\n{rows:,} executions ({time.perf_counter() - began:.0f} s), {bytes_a_row(rows)} bytes a row")
        random, growing = rows_a_second(worker, uuid4), rows_a_second(worker, new_id)
        say(f"rows/s: {random:,.0f} with random ids, {growing:,.0f} with UUIDv7")
        say(" · ".join(f"{name} {ms:.0f} ms" for name, ms in pages(client, worker).items()))
    oldest = parts()[0]
    [(held,)] = sql("SELECT count(*) FROM {part}", part=oldest.name)
    Worker.objects.update(retention_days=(NOW - oldest.end).days)
    began = time.perf_counter()
    dropped = parts_drop()
    say(f"\n{oldest.name} with {held:,} executions: {dropped:,} dropped in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
