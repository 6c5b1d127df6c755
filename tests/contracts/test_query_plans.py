"""No page reads all executions or sorts them: the database's own plan says so, whatever it holds."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import SignIn
from tests.contracts.test_query_counts import PAGES, values_of
from tests.factories.executions import record, recorded
from tests.factories.workers import finished_run, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

EXECUTIONS = "optimizer_app_execution"
FILTERS = (
    "worker={name}", "worker={name}&version=1", "outcome=error", "error_kind=TimeoutError", "label=a", "path=fallback",
    "score_from=0.5", "since=2026-01-01T00:00&until=2026-02-01T00:00", "tag=city=Bern", "text=parcel",
)  # fmt: skip
ONE_OR_FEW = ("trace_id=a", "id=00000000-0000-4000-8000-000000000000")  # what is found may be sorted


def plan(query: str) -> list[str]:
    """The steps the database would take if it could choose any index."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            return [step for _, _, _, step in cursor.fetchall()]
        # Among few rows it would rather read them all: what is left of that has no index to read by.
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off")
        cursor.execute(f"EXPLAIN {query}")
        steps = [step for (step,) in cursor.fetchall()]
        cursor.execute("RESET ALL")
        return steps


def slow(steps: list[str]) -> list[str]:
    """Steps that take longer with every execution stored."""
    return [
        step
        for step in steps
        if (step.startswith(f"SCAN {EXECUTIONS}") and " INDEX " not in step) or f"Seq Scan on {EXECUTIONS}" in step
    ]


def sorting(steps: list[str]) -> list[str]:
    """Steps that sort all that was found; an incremental sort is of equal times only."""
    return [step for step in steps if "B-TREE FOR ORDER BY" in step or step.strip(" ->").startswith("Sort  (")]


def test_no_page_reads_or_sorts_all_executions(signed_in: SignIn) -> None:
    run = finished_run(routing_worker())
    values = values_of(run) | {"name": run.worker.name}
    recorded(run.worker, *[record(run.worker) for _ in range(60)])
    client = signed_in("admin")
    filters = [f"{at}?{asked}" for asked in FILTERS + ONE_OR_FEW for at in ("/executions/", "/api/v1/executions")]

    looked_at, found = 0, {}
    for path in [*PAGES, "/api/v1/executions", *filters]:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path.format(**values)).status_code in (200, 204), path
        for query in [asked["sql"] for asked in captured if f'FROM "{EXECUTIONS}' in asked["sql"]]:
            looked_at += 1
            steps = plan(query)
            if bad := slow(steps) + ([] if path.endswith(ONE_OR_FEW) else sorting(steps)):
                found[path] = [query, *bad]

    assert looked_at >= len(filters)
    assert found == {}
