"""Server time of the executions pages over many rows, by filter.

    UPLIFT_DATA_DIR=/tmp/many [DATABASE_URL=…] python -m tests.bench.executions [ROWS]

Fills an empty database (a minute a million), then asks each page five times and prints the median. The rows are spread
over 90 days and 8 workers; 3 % failed, a third has a score, labels and metadata as a router would have.
"""

import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings")
os.environ.setdefault("BROKER_URL", "memory://")
django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from optimizer_app.common import bodies
from optimizer_app.models import Execution
from optimizer_app.services.execution_rows import Row, rows_insert, tags_insert
from tests.factories.workers import routing_worker

CHUNK = 5_000
NOW = datetime.now(UTC)
TENANTS = ["north", "south", "east", "west"]


def rows(
    start: int, count: int, workers: list[Any], draw: random.Random
) -> tuple[list[Row], dict[UUID, dict[str, Any]]]:
    made, tags = [], {}
    text = " ".join(draw.choice(["invoice", "parcel", "login", "late", "again"]) for _ in range(60))
    body = bodies.pack(bodies.Body({"message": text}, {"team": "K1"}))
    for number in range(start, start + count):
        worker = workers[number % len(workers)]
        failed = draw.random() < 0.03
        uid = UUID(int=draw.getrandbits(128))
        tags[uid] = (
            {"tenant": draw.choice(TENANTS), "customer": f"c{draw.randrange(50_000)}"} if number % 4 == 0 else {}
        )
        moment = NOW - timedelta(seconds=(1_000_000 - number) * 7.776)
        label = "rare" if number % 200_003 == 7 else f"K{draw.randrange(1, 4)}"
        made.append(
            Row(
                uid, worker.pk, worker.active_version_id, moment, draw.lognormvariate(6, 0.6), 400, 20, 0.0004,
                not failed, "TimeoutError" if failed else "", "static" if number % 997 == 0 else "program",
                "openai/gpt", uid.hex, label, draw.random() if number % 3 == 0 else None,
                f"{draw.getrandbits(64):032x}", "{}", body,
            )
        )  # fmt: skip
    return made, tags


def fill(count: int) -> None:
    workers = [routing_worker() for _ in range(8)]
    draw = random.Random(5)
    started = time.perf_counter()
    for start in range(0, count, CHUNK):
        made, tags = rows(start, min(CHUNK, count - start), workers, draw)
        with transaction.atomic():
            tags_insert(made, rows_insert(made), tags)
    print(f"{count:,} rows in {time.perf_counter() - started:.0f} s")  # noqa: T201
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def main() -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    call_command("migrate", verbosity=0)
    if not Execution.objects.exists():
        fill(count)
    person, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(person)
    worker = Execution.objects.order_by("id")[0].worker
    some = Execution.objects.order_by("-id")[400_000 if count > 400_000 else 0]
    middle = client.get("/api/v1/executions", {"tag": "tenant=north"}).json()["next"]
    week = (NOW - timedelta(days=37)).strftime("%Y-%m-%dT%H:%M")
    questions: dict[str, dict[str, Any]] = {
        "newest": {}, "one worker": {"worker": worker.name}, "failed": {"outcome": "error"},
        "succeeded": {"outcome": "success"}, "failed, one worker": {"outcome": "error", "worker": worker.name},
        "error kind": {"error_kind": "TimeoutError"}, "error kind that is not": {"error_kind": "Nothing"},
        "label": {"label": "K2"}, "rare label": {"label": "rare"},
        "rare label, one worker": {"label": "rare", "worker": worker.name},
        "score under 0.0001": {"score_to": 0.0001}, "score over 0.5": {"score_from": 0.5},
        "score under 0.0001, one worker": {"score_to": 0.0001, "worker": worker.name},
        "trace": {"trace_id": some.trace_id}, "id": {"id": str(some.uid)}, "metadata": {"tag": "tenant=north"},
        "rare metadata": {"tag": "customer=c77"}, "metadata, failed": {"tag": "tenant=north", "outcome": "error"},
        "version": {"version": 0, "worker": worker.name},
        "before a time": {"until": week}, "static answers": {"path": "static"},
        "fallback answers": {"path": "fallback"}, "a later page": {"after": middle},
        "text, no match": {"text": "zzz"}, "text, no match, one worker": {"text": "zzz", "worker": worker.name},
    }  # fmt: skip
    print("\n| filter | ms | rows |\n|---|---|---|")  # noqa: T201
    for name, asked in questions.items():
        taken = []
        for _ in range(5):
            started = time.perf_counter()
            response = client.get("/executions/", asked)
            taken.append((time.perf_counter() - started) * 1000)
            assert response.status_code == 200, (name, response.status_code)
        shown = response.content.count(b"up-nowrap")
        print(f"| {name} | {median(taken):.0f} | {shown} |")  # noqa: T201


if __name__ == "__main__":
    main()
