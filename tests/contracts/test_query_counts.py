"""How many queries each page takes. The number must not grow with the rows; a change shows as a diff.

UPDATE_QUERY_COUNTS=1 writes the baseline anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from optimizer_app.models import Run
from tests.conftest import SignIn
from tests.factories.executions import record, recorded
from tests.factories.workers import finished_run, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

BASELINE = Path(__file__).with_name("query_counts.json")
PAGES: dict[str, int] = json.loads(BASELINE.read_text(encoding="utf-8"))


def values_of(run: Run) -> dict[str, Any]:
    """What stands in the addresses of pages."""
    return {
        "worker": run.worker_id,
        "dataset": run.dataset_version.dataset_id,
        "metric": run.metric_id,
        "run": run.pk,
        "revision": run.revision,
        "version": run.winner_id,
    }


def counts(client: Client, values: dict[str, Any]) -> dict[str, int]:
    found = {}
    for path in PAGES:
        cache.clear()  # a page that someone has just looked at costs less
        with CaptureQueriesContext(connection) as captured:
            response = client.get(path.format(**values))
        assert response.status_code in (200, 204), path
        found[path] = len(captured)
    return found


def test_pages_take_few_queries_and_as_many_with_more_rows(signed_in: SignIn) -> None:
    run = finished_run(routing_worker())
    values = values_of(run)
    client = signed_in("admin")
    recorded(run.worker, record(run.worker))

    few = counts(client, values)
    finished_run(run.worker, version=run.dataset_version, seed=9)
    for _ in range(3):
        other = finished_run(routing_worker()).worker
        recorded(other, record(other), record(other))
    more = counts(client, values | {"revision": Run.objects.get(pk=run.pk).revision})

    assert few == more
    if "UPDATE_QUERY_COUNTS" in os.environ:
        BASELINE.write_text(json.dumps(few, indent=2) + "\n", encoding="utf-8")
    assert few == PAGES
