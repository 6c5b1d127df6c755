"""Server time of every measuring page over many executions.

    UPLIFT_DATA_DIR=/tmp/few [DATABASE_URL=…] python -m tests.bench.dashboards 10000
    UPLIFT_DATA_DIR=/tmp/many [DATABASE_URL=…] python -m tests.bench.dashboards 10000000 --beside /tmp/few

Fills an empty database with executions of 200 workers with 2,000 versions (about 2 minutes a million), then asks each
page twenty times and prints the 95th percentile, beside that of another folder's.
"""

import argparse
import importlib
import json
import os
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings")
os.environ.setdefault("BROKER_URL", "memory://")
django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from analytics.services.values import value_set
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, Worker
from tests.factories.history import executed, lived
from tests.factories.workers import routing_worker

WORKERS, VERSIONS, TIMES = 200, 10, 20
NOW = datetime.now(UTC)
PAGES = {
    "overview, 7 days": "/", "overview, 90 days": "/?period=90d", "overview, worst first": "/?order=change",
    "trends, 24 hours": "/workers/{id}/trends/?period=24h", "trends, 7 days": "/workers/{id}/trends/",
    "trends, 90 days": "/workers/{id}/trends/?period=90d", "before and after": "/workers/{id}/before-after/",
    "value": "/workers/{id}/value/", "costs and latency": "/workers/{id}/costs/?period=90d",
    "compare": "/workers/{id}/compare/?a_version=8&b_version=9", "checklist": "/workers/{id}/checklist/",
    "portfolio": "/portfolio/", "history": "/history/", "report": "/reports/preview/", "Prometheus": "/metrics",
}  # fmt: skip


def fill(count: int) -> None:
    draw, started = random.Random(5), time.perf_counter()
    workers = [lived(routing_worker(), VERSIONS - 1, NOW, draw) for _ in range(WORKERS)]
    for worker in workers:
        value_set(
            worker, by=SYSTEM, correct_usd=0.05, second_usd=0.0, person_hour_usd=60.0, compute_hour_usd=0.12,
            person_hours=2.0, horizon_days=90,
        )  # fmt: skip
    executed(workers, count, NOW, draw)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{count:,} executions in {time.perf_counter() - started:.0f} s")  # noqa: T201


def measure() -> dict[str, float]:
    person, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(person)
    found = {}
    for name, path in PAGES.items():
        taken = []
        client.get(path.format(id=Worker.objects.order_by("?")[0].pk))
        for _ in range(TIMES):
            worker = Worker.objects.order_by("?")[0]
            started = time.perf_counter()
            response = client.get(path.format(id=worker.pk))
            taken.append((time.perf_counter() - started) * 1000)
            assert response.status_code == 200, (name, response.status_code)
        found[name] = sorted(taken)[round(0.95 * (TIMES - 1))]
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("executions", type=int, nargs="?", default=10_000)
    parser.add_argument("--beside", type=Path, help="Folder of an earlier run to set beside this one.")
    asked = parser.parse_args()
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    call_command("migrate", verbosity=0)
    importlib.import_module("optimizer_app.wsgi")  # loaded as the server loads it
    if not Execution.objects.exists():
        fill(asked.executions)
    found = measure()
    kept = Path(settings.DATA_DIR) / "dashboards.json"
    kept.write_text(json.dumps(found))
    other = json.loads((asked.beside / "dashboards.json").read_text()) if asked.beside else {}
    print("\n| page | p95, ms | before, ms | ratio |\n|---|---|---|---|")  # noqa: T201
    for name, ms in found.items():
        before = other.get(name)
        print(f"| {name} | {ms:.0f} | {f'{before:.0f} | {ms / before:.2f}' if before else '– | –'} |")  # noqa: T201


if __name__ == "__main__":
    main()
