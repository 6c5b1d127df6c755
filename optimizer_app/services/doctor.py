"""What is wrong with an installation: each check says what it saw and, where it is not well, what to do."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from celery import current_app
from django.conf import settings
from django.contrib.auth.models import User
from django.core.checks import WARNING, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max, Q
from django.utils import timezone

from optimizer_app.common.keys import DecryptionError
from optimizer_app.jobs import ALERTS, RUNS, STATISTICS, UPKEEP
from optimizer_app.models import AuditEvent, DataKey, Example, Execution, IngestBatch, LanguageModel, Run
from optimizer_app.services.audit import chain_head
from optimizer_app.services.partitions import partitioned, parts
from optimizer_app.services.pulses import SCHEDULER, silence_of

ROOM_WARN, ROOM_WRONG = 5 * 2**30, 2**30  # bytes
CLOCKS_APART = timedelta(seconds=2)
SCHEDULER_SILENT = timedelta(seconds=60)
BATCH_OLD = timedelta(minutes=2)
RUN_WAITS = timedelta(minutes=10)
PING_S = 3.0
ONE_TABLE = 5_000_000  # executions
MONTH_MISSING = timedelta(days=31)


class State(StrEnum):
    """How a thing stands."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"


class Finding(NamedTuple):
    """What a check saw. `remedy` is empty where all is well."""

    subject: str
    state: State
    seen: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Every check, one after the other. A database that cannot be read ends it: the rest would say the same."""
    yield from _settings()
    yield _data_folder()
    yield _key_files()
    try:
        yield from _database()
    except DatabaseError as error:
        yield Finding("database", State.WRONG, str(error).strip(), "Start it, or correct DATABASE_URL.")
        return
    if missing := missing_migrations():
        yield Finding("migrations", State.WRONG, f"{missing} are missing", "Run manage.py migrate.")
        return
    yield Finding("migrations", State.WELL, "all applied")
    yield _months()
    yield from (_keys(), _audit(), _people(), _broker(), *_workers(), _scheduler(), _counting(), _runs())


def _settings() -> Iterator[Finding]:
    told = [check for check in run_checks(include_deployment_checks=True) if check.level >= WARNING]
    for check in told:
        state = State.WRONG if check.level > WARNING else State.DOUBTFUL
        yield Finding("settings", state, check.msg.splitlines()[0], str(check.hint or "See docs/settings.md."))
    if not told:
        yield Finding("settings", State.WELL, "ready for production")


def _data_folder() -> Finding:
    folder = Path(settings.DATA_DIR)
    free = shutil.disk_usage(folder).free
    seen = f"{folder}, {free / 2**30:.1f} GB free"
    if free < ROOM_WRONG:
        return Finding("data folder", State.WRONG, seen, "Make room: below 1 GB ingest may stop.")
    if free < ROOM_WARN:
        return Finding("data folder", State.DOUBTFUL, seen, "Make room before it is below 1 GB.")
    return Finding("data folder", State.WELL, seen)


def _key_files() -> Finding:
    """Secrets that were made on first use lie in files that nobody else may read."""
    names = ("uplift_secret_key", "uplift_encryption_keys", "uplift_audit_key")
    files = [path for name in names if (path := Path(settings.DATA_DIR) / name).exists()]
    if loose := [path.name for path in files if path.stat().st_mode & 0o077]:
        return Finding("key files", State.WRONG, f"others may read {', '.join(loose)}", "chmod 600 these files.")
    return Finding("key files", State.WELL, "private" if files else "none; keys come from the environment")


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode")
            mode = cursor.fetchone()[0]
            size = Path(str(connection.settings_dict["NAME"])).stat().st_size / 2**20
            state = State.WELL if mode == "wal" else State.WRONG
            remedy = "" if mode == "wal" else "Its folder must allow a write-ahead log: no network file system."
            yield Finding("database", state, f"SQLite, {mode}, {size:.0f} MB", remedy)
            yield _sqlite(sqlite3.sqlite_version_info)
            return
        cursor.execute("SELECT clock_timestamp(), current_setting('server_version')")
        theirs, version = cursor.fetchone()
    yield Finding("database", State.WELL, f"PostgreSQL {version}")
    apart = abs(timezone.now() - theirs)
    state = State.DOUBTFUL if apart > CLOCKS_APART else State.WELL
    remedy = "Synchronize the clocks (NTP): leases and heartbeats compare them." if state != State.WELL else ""
    yield Finding("clocks", state, f"{apart.total_seconds():.1f} s between here and the database", remedy)


def _sqlite(version: tuple[int, ...]) -> Finding:
    """Whether it has the mend of the WAL-reset bug (sqlite.org/wal.html#walresetbug), which loses commits."""
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    remedy = (
        "Before 3.51.3 it may, very rarely, lose what several processes write at once: renew it, or use PostgreSQL."
    )
    state = State.WELL if mended else State.DOUBTFUL
    return Finding("SQLite", state, ".".join(map(str, version)), "" if mended else remedy)


def missing_migrations() -> int:
    """How many migrations of this code the database does not have."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _months() -> Finding:
    """How executions are kept: whole on SQLite, by month on PostgreSQL, where many in one table are slow to delete."""
    if not partitioned():
        newest = Execution.objects.aggregate(newest=Max("id"))["newest"] or 0
        many = connection.vendor == "postgresql" and newest > ONE_TABLE
        remedy = "Once every process is of this release: manage.py partition." if many else ""
        return Finding("executions", State.DOUBTFUL if many else State.WELL, "all in one table", remedy)
    last = parts()[-1]
    late = last.end <= timezone.now() + MONTH_MISSING
    remedy = "See the log of the worker for upkeep." if late else ""
    return Finding("executions", State.WRONG if late else State.WELL, f"by month, up to {last.name[-7:]}", remedy)


def _keys() -> Finding:
    """The newest of each thing that is sealed opens."""
    try:
        LanguageModel.objects.first()
        Example.objects.order_by("-pk").first()
        if newest := Execution.objects.order_by("-pk").first():
            assert newest.content is not None
    except (DecryptionError, ValueError) as error:
        return Finding("keys", State.WRONG, str(error), "Give UPLIFT_ENCRYPTION_KEYS as it was.")
    if not DataKey.objects.exists():
        remedy = "Once every process is of this release: manage.py rotate_keys."
        return Finding("keys", State.DOUBTFUL, "no data key yet: master keys seal directly", remedy)
    return Finding("keys", State.WELL, "what was stored last opens")


def _audit() -> Finding:
    events = AuditEvent.objects.count()
    last = AuditEvent.objects.first()
    whole = chain_head() == (f"{last.number}:{last.hash}" if last else "")
    state = State.WELL if whole and (last is None or last.number == events) else State.WRONG
    return Finding("audit log", state, f"{events} events", "" if state == State.WELL else "Run manage.py verify_audit.")


def _people() -> Finding:
    admins = User.objects.filter(Q(groups__name="admin") | Q(is_superuser=True), is_active=True).distinct()
    bare = admins.filter(Q(second_factor=None) | Q(second_factor__confirmed_at=None)).count()
    if not admins:
        return Finding("people", State.WRONG, "nobody is an admin", "Run manage.py createsuperuser.")
    if bare:
        remedy = "Ask them to set one up under their name, Second factor."
        return Finding("people", State.DOUBTFUL, f"{bare} of {admins.count()} admins have no second factor", remedy)
    return Finding("people", State.WELL, f"{admins.count()} admins with a second factor")


def _broker() -> Finding:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PING_S)
            seen = str(broker.transport_cls)
    except Exception as error:  # each transport has errors of its own
        return Finding("broker", State.WRONG, f"{type(error).__name__}: {error}", "Start it, or correct BROKER_URL.")
    return Finding("broker", State.WELL, seen)


def _workers() -> list[Finding]:
    try:
        answers = current_app.control.inspect(timeout=PING_S).active_queues() or {}
    except Exception as error:
        return [Finding("workers", State.WRONG, f"cannot be asked: {type(error).__name__}", "See broker.")]
    found = []
    does_what = {RUNS: "optimizations", UPKEEP: "schedule", STATISTICS: "statistics", ALERTS: "messages"}
    for queue, does in does_what.items():
        names = sorted(name for name, queues in answers.items() if queue in {told["name"] for told in queues})
        seen = f"{does}: {', '.join(names) or 'nobody answers'}"
        remedy = "" if names else "Start one: docs/howto/production.md."
        found.append(Finding("workers", State.WELL if names else State.WRONG, seen, remedy))
    return found


def _late(subject: str, age: timedelta | None, limit: timedelta, texts: Callable[[str], str], remedy: str) -> Finding:
    told = "never" if age is None else f"{age.total_seconds():.0f} s"
    late = age is None or age > limit
    return Finding(subject, State.WRONG if late else State.WELL, texts(told), remedy if late else "")


def _scheduler() -> Finding:
    remedy = "Start the upkeep worker."
    return _late("scheduler", silence_of(SCHEDULER), SCHEDULER_SILENT, lambda age: f"last seen: {age} ago", remedy)


def _counting() -> Finding:
    oldest = IngestBatch.objects.first()
    age = timezone.now() - oldest.created_at if oldest else timedelta(0)
    return _late("statistics", age, BATCH_OLD, lambda told: f"{told} behind", "Look at the log of who counts.")


def _runs() -> Finding:
    waiting = Run.objects.filter(status=Run.Status.QUEUED, created_at__lt=timezone.now() - RUN_WAITS).count()
    running = Run.objects.filter(status__in=Run.ACTIVE).count()
    state = State.WRONG if waiting and not running else State.WELL
    remedy = "Start a worker for optimizations." if state == State.WRONG else ""
    return Finding("runs", state, f"{running} running, {waiting} waiting for more than ten minutes", remedy)
