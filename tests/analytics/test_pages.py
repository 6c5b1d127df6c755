"""The measuring pages as a reader sees them: numbers with n and interval, empty states, exports, bad addresses."""

import csv
import io
import random
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from analytics.models import Note, WorkerValue
from analytics.selectors.portfolio import portfolio
from analytics.selectors.results import result_changes
from analytics.services.stats import stats_absorb
from analytics.services.values import value_set
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Evaluation, Promotion, Worker
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.versions import version_promote
from tests.conftest import SignIn, actor
from tests.factories.executions import record, recorded
from tests.factories.history import executed, lived
from tests.factories.workers import SHARES, finished_run, frozen, routing_program, routing_rows, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
NOW = timezone.now


@pytest.fixture
def promoted() -> Worker:
    """A worker whose run improved it; the winner was promoted three days ago and answers better than v0 did."""
    run = finished_run(routing_worker())
    worker = run.worker
    assert run.winner
    version_promote(run.winner, by=SYSTEM, reason="better")
    at = NOW() - timedelta(days=3)
    Promotion.objects.filter(kind="initial").update(created_at=at - timedelta(days=30))
    Promotion.objects.filter(kind="promotion").update(created_at=at)
    for number, score, moment in ((0, 0.5, at - timedelta(days=1)), (run.winner.number, 0.9, at + timedelta(days=1))):
        rows = [
            record(worker, version=number, started_at=moment + timedelta(seconds=i), score=float(i % 100 < 100 * score))
            for i in range(200)
        ]
        recorded(worker, *rows)
    stats_absorb()
    worker.refresh_from_db()
    return worker


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(response.content.decode().split())


PATHS = ("trends", "before-after", "value", "costs", "compare", "checklist", "evaluations")


def test_a_worker_without_anything_gets_pages_that_say_so(worker: Worker, signed_in: SignIn) -> None:
    client = signed_in("viewer")
    shown = {path: text(client, f"/workers/{worker.pk}/{path}/") for path in PATHS}
    assert "No calls in this period" in shown["trends"]
    assert "No run has compared versions yet" in shown["before-after"]
    assert "Nothing was spent or gained yet" in shown["value"]
    assert "not declared" in shown["costs"]
    assert "No dataset version with its fields is frozen" in shown["checklist"]
    assert "None yet" in shown["evaluations"]
    assert "No run has ended yet" in text(client, "/history/")


def test_online_before_after_keeps_versions_apart(promoted: Worker, signed_in: SignIn) -> None:
    page = text(signed_in("viewer"), f"/workers/{promoted.pk}/before-after/")
    assert "Promoted: v0 → v1" in page
    assert "+40.0 points" in page  # the score
    assert "▲ better" in page
    assert "on test examples that no optimizer saw" in page


def test_trends_compare_with_the_period_before_and_show_what_happened(promoted: Worker, signed_in: SignIn) -> None:
    day = (NOW() - timedelta(days=3)).date()
    client = signed_in("operator")
    page = text(client, f"/workers/{promoted.pk}/trends/?from={day}&to={NOW().date()}")
    assert "Promoted</strong> version 1: better" in page
    assert '"quality"' in page
    assert "n=" in text(client, "/")
    sent = {"at": NOW().strftime("%Y-%m-%dT%H:%M"), "text": "Price <b>change</b>", "everywhere": "on"}
    assert client.post(f"/workers/{promoted.pk}/notes/", sent).status_code == 302
    noted = text(client, f"/workers/{promoted.pk}/trends/")
    assert "Price &lt;b&gt;change&lt;/b&gt; (operator" in noted
    assert client.post(f"/notes/{Note.objects.get().pk}/remove/", {"worker": promoted.pk}).status_code == 302
    assert not Note.objects.exists()


def test_the_ledger_follows_what_an_answer_is_worth(promoted: Worker, signed_in: SignIn) -> None:
    client = signed_in("approver")
    assert "What is a correct answer worth?" in text(client, f"/workers/{promoted.pk}/value/")
    told = {
        "correct_usd": "0.10", "second_usd": "0", "person_hour_usd": "60", "compute_hour_usd": "0.12",
        "person_hours": "1", "horizon_days": "90",
    }  # fmt: skip
    assert client.post(f"/workers/{promoted.pk}/value/", told | {"correct_usd": "-1"}).status_code == 200
    assert not WorkerValue.objects.exists()
    assert client.post(f"/workers/{promoted.pk}/value/", told).status_code == 302
    page = text(client, f"/workers/{promoted.pk}/value/")
    assert "The probability that it pays is" in page
    assert "1.0 hours at $60.00" in page
    nothing = text(client, f"/workers/{promoted.pk}/value/?value=0&per_day=100&cost=0.001")
    assert "does not pay" in nothing
    assert "never" in nothing
    assert "All workers" in text(client, "/portfolio/") or promoted.name in text(client, "/portfolio/")


def test_latency_is_judged_by_the_need(promoted: Worker, signed_in: SignIn) -> None:
    client = signed_in("viewer")
    for need, verdict in ((500, "a language model fits here"), (50, "plan offline, serve statically")):
        Worker.objects.filter(pk=promoted.pk).update(latency_need_ms=need)
        assert verdict in text(client, f"/workers/{promoted.pk}/costs/")


def test_versions_are_compared_on_the_same_examples_and_in_production(promoted: Worker, signed_in: SignIn) -> None:
    page = text(signed_in("viewer"), f"/workers/{promoted.pk}/compare/?a_version=0&b_version=1&a_period=30d")
    assert "sealed test examples of" in page
    assert "200 calls" in page


def test_results_have_groups_by_inputs_with_few_values() -> None:
    worker = routing_worker(program=routing_program(inputs=[{"name": "message"}, {"name": "language"}]))
    dataset = dataset_create(by=SYSTEM, name="Two languages", description="", worker=worker)
    rows = [row | {"language": ("en", "de")[n % 2]} for n, row in enumerate(routing_rows())]
    examples_add(dataset, enumerate(rows, 1), by=SYSTEM, source="file")
    run = finished_run(worker, version=dataset_freeze(dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=1))
    changes = result_changes(run.comparison)
    assert {change.groups["language"] for change in changes} == {"en", "de"}
    assert all("message" not in change.groups and "source" not in change.groups for change in changes)


def test_any_two_tests_are_compared_on_what_they_share(promoted: Worker, signed_in: SignIn) -> None:
    again = finished_run(promoted, seed=4)
    other = finished_run(promoted, version=frozen(routing_worker()), seed=5)
    tests = {run.pk: list(Evaluation.objects.filter(run=run, split="test")) for run in (again, other)}
    client, page = signed_in("viewer"), f"/workers/{promoted.pk}/compare/"
    assert "Offline: any two tests" in text(client, page)
    first, second = tests[again.pk]
    assert f"on the {first.n} examples of both" in text(client, f"{page}?a_test={first.pk}&b_test={second.pk}")
    apart = text(client, f"{page}?a_test={first.pk}&b_test={tests[other.pk][0].pk}")
    assert "They share 0 examples only" in apart
    assert client.get(f"{page}?a_test={first.pk}&b_test=999999").status_code == 422


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("trends/?period=2w", "There is no period “2w”"),
        ("trends/?from=yesterday", "is no date"),
        ("trends/?from=2026-05-02&to=2026-05-01", "from its first to its last day"),
        ("trends/?from=0001-01-01&to=0001-02-01", "between 2000 and 2100"),
        ("trends/?export=xlsx", "There is no export “xlsx”"),
        ("compare/?a_version=99", "has no version “99”"),
        ("evaluations/?before=x&after=y", ""),
    ],
)
def test_an_address_that_cannot_be_read_says_why(worker: Worker, signed_in: SignIn, path: str, said: str) -> None:
    response = signed_in("viewer").get(f"/workers/{worker.pk}/{path}")
    assert response.status_code == (422 if said else 200)
    assert said in response.content.decode()


def test_what_a_page_shows_can_be_taken_away_and_asked_of_the_api(promoted: Worker, signed_in: SignIn) -> None:
    client = signed_in("viewer")
    rows = list(csv.DictReader(io.StringIO(client.get("/?export=csv").content.decode())))
    assert [row["worker"] for row in rows] == [promoted.name]
    assert rows[0]["calls"] == "400"
    told = client.get("/api/v1/measures/overview").json()["records"]
    assert told == client.get("/?export=json").json()
    assert told[0]["score"] == pytest.approx(0.7)
    assert told[0]["score_low"] < 0.7 < told[0]["score_high"]
    for name, path in (("trends", "series"), ("before-after", "before-after"), ("value", "value"), ("costs", "costs")):
        exported = client.get(f"/workers/{promoted.pk}/{name}/?export=json").json()
        assert exported
        assert client.get(f"/api/v1/measures/workers/{promoted.pk}/{path}").json()["records"] == exported
    assert client.get("/history/?export=csv").content.count(b"\n") == 2


def test_a_name_that_a_spreadsheet_would_run_is_kept_from_it(signed_in: SignIn) -> None:
    routing_worker(name="=1+1")
    assert "'=1+1" in signed_in("viewer").get("/?export=csv").content.decode()


def test_two_hundred_workers_are_paged_and_found(signed_in: SignIn) -> None:
    for number in range(60):
        routing_worker(name=f"Worker {number:03} " + "with a very long name " * 3)
    client = signed_in("viewer")
    assert "1 to 40 of 60" in text(client, "/")
    assert "41 to 60 of 60" in text(client, "/?at=40")
    assert text(client, "/?search=worker 007").count('<th scope="row">') == 1
    assert "No worker's name holds" in text(client, "/?search=nobody")


def test_a_long_history_is_read_in_order(signed_in: SignIn) -> None:
    now, draw = NOW(), random.Random(1)
    worker = lived(routing_worker(), 4, now, draw)
    value_set(
        worker, by=actor("approver"), correct_usd=0.05, second_usd=0.0, person_hour_usd=60.0, compute_hour_usd=0.12,
        person_hours=0.0, horizon_days=90,
    )  # fmt: skip
    executed([worker], 4000, now, draw)
    client = signed_in("viewer")
    ledger = client.get(f"/workers/{worker.pk}/value/?export=json").json()[0]
    assert [step["number"] for step in ledger["steps"]] == [1, 2, 3, 4]
    assert ledger["gain"] == pytest.approx(sum(step["gain"] for step in ledger["steps"]))
    assert ledger["served"] == pytest.approx(3200, abs=5)
    assert ledger["spent_runs"] == 4
    assert portfolio().run_usd > 0.3
    page = text(client, f"/workers/{worker.pk}/trends/?period=90d")
    assert "no trend shown" in page or "a trend is shown" in page


def test_prometheus_reads_the_last_hour(promoted: Worker, signed_in: SignIn) -> None:
    recorded(promoted, *(record(promoted, started_at=NOW(), error_kind="TimeoutError") for _ in range(3)))
    stats_absorb()
    shown = signed_in("viewer").get("/metrics").content.decode()
    assert f'uplift_worker_calls{{worker="{promoted.name}"}} 3.0' in shown
    assert f'uplift_worker_failed_calls{{worker="{promoted.name}"}} 3.0' in shown
    assert "uplift_stats_behind_seconds 0.0" in shown
    assert Client().get("/metrics").status_code == 401
