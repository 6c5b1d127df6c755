"""A version on trial: sticky arms, counted as they arrive, ended at the first decision, by a person, or never twice."""

import random
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from analytics.models import CanaryTally, Stat, TriggerDecision
from analytics.selectors.canaries import trial_of
from analytics.services.canaries import canaries_look
from analytics.services.stats import stats_absorb
from optimizer_app.common.access import SYSTEM, NotAllowed
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import AuditEvent, Canary, ProgramVersion, Promotion, Run, Worker
from optimizer_app.sdk.payload import FeedbackRecord
from optimizer_app.selectors.canaries import answering
from optimizer_app.selectors.versions import active_version
from optimizer_app.services.canaries import canary_end, canary_start
from optimizer_app.services.executions import Receipt
from optimizer_app.services.feedback import feedback_record
from optimizer_app.services.versions import version_promote, worker_rollback, worker_two_people
from tests.conftest import SignIn, actor
from tests.factories.executions import record, recorded
from tests.factories.workers import finished_run

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)  # a run writes from a thread of its own


@pytest.fixture
def run(worker: Worker) -> Run:
    """A run whose winner is not promoted yet."""
    return finished_run(worker)


@pytest.fixture
def winner(run: Run) -> ProgramVersion:
    assert run.winner
    return run.winner


class Calls:
    """Traffic of both sides, from after the start of the trial on."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.draw = worker, random.Random(4)

    def send(self, n: int, *, old: float, new: float, share: float = 0.5, **more: Any) -> None:
        canary = Canary.objects.select_related("version", "against").get(worker=self.worker, status="running")
        rows = []
        for i in range(n):
            on_trial = self.draw.random() < share
            version = canary.version if on_trial else canary.against
            good = self.draw.random() < (new if on_trial else old)
            rows.append(
                record(
                    self.worker, version=version.number, started_at=canary.created_at + timedelta(milliseconds=i),
                    error_kind="" if good else "ValueError", **more,
                )
            )  # fmt: skip
        recorded(self.worker, *rows)
        stats_absorb()


def test_both_sides_are_counted_and_a_gain_promotes_once(worker: Worker, winner: ProgramVersion) -> None:
    canary = canary_start(winner, by=SYSTEM, share=0.5)
    calls = Calls(worker)
    calls.send(60, old=0.7, new=0.95)
    assert canaries_look() == 0
    found = trial_of(canary)
    assert found.old.success.n + found.new.success.n == 60
    for _ in range(20):
        if canaries_look():
            break
        calls.send(60, old=0.7, new=0.95)
    canary.refresh_from_db()
    assert canary.status == "promoted"
    assert "success is better" in canary.why
    worker.refresh_from_db()
    assert worker.active_version == winner
    assert canaries_look() == 0
    assert Promotion.objects.filter(version=winner).count() == 1
    assert TriggerDecision.objects.get().outcome == "promoted"


def test_harm_takes_it_back_and_a_disaster_before_fifty_calls(worker: Worker, winner: ProgramVersion) -> None:
    recorded(worker, *(record(worker, started_at=timezone.now() - timedelta(hours=1)) for _ in range(600)))
    stats_absorb()  # the detectors of the active version arm
    canary = canary_start(winner, by=SYSTEM, share=0.5)
    Calls(worker).send(40, old=1.0, new=0.0)
    assert canaries_look() == 1
    canary.refresh_from_db()
    assert canary.status == "rolled_back"
    assert "guard of success" in canary.why
    worker.refresh_from_db()
    assert worker.active_version == canary.against


def test_guards_see_a_call_once_however_often_it_is_corrected(worker: Worker, winner: ProgramVersion) -> None:
    recorded(worker, *(record(worker, started_at=timezone.now() - timedelta(hours=1)) for _ in range(600)))
    stats_absorb()
    canary_start(winner, by=SYSTEM, share=0.5)
    call = record(worker, version=winner.number, started_at=timezone.now())
    recorded(worker, call)
    stats_absorb()
    seen = CanaryTally.objects.get().guards["success"]["detector"]["seen"]
    for score in (0.5, 0.7):
        said = FeedbackRecord(id=uuid4(), source="metric", execution_id=call.id, score=score)
        feedback_record([(0, said)], by=SYSTEM, receipt=Receipt())
        stats_absorb()
    tally = CanaryTally.objects.get()
    assert tally.guards["success"]["detector"]["seen"] == seen
    assert tally.new["score"]["n"] == 1


def test_scores_decide_where_there_are_some_also_late_ones(worker: Worker, winner: ProgramVersion) -> None:
    canary = canary_start(winner, by=SYSTEM, share=0.5)
    rows = {
        number: [record(worker, version=number, started_at=timezone.now()) for _ in range(150)]
        for number in (canary.against.number, winner.number)
    }
    for told in rows.values():
        recorded(worker, *told)
    stats_absorb()
    for number, told in rows.items():
        score = 0.4 if number == winner.number else 0.8
        said = [
            FeedbackRecord(id=uuid4(), source="metric", execution_id=row.id, score=score + (i % 5) / 50)
            for i, row in enumerate(told)
        ]
        assert feedback_record(list(enumerate(said)), by=SYSTEM, receipt=Receipt()).accepted == 150
    stats_absorb()
    found = trial_of(canary).standing
    assert (found.judged, found.action) == ("score", "rolled_back")
    assert found.races["score"].difference == pytest.approx(-0.4, abs=0.01)


def test_equals_end_as_equals_unless_the_new_one_is_cheaper(worker: Worker, winner: ProgramVersion) -> None:
    for cheaper, status in ((False, "equivalent"), (True, "cheaper")):
        canary = canary_start(winner, by=SYSTEM, share=0.5, smallest=0.2)
        sides = ((canary.against.number, 0.002), (winner.number, 0.001 if cheaper else 0.002))
        for number, cost in sides:
            rows = [
                record(worker, version=number, started_at=timezone.now(), cost_usd=cost + i * 1e-7,
                       error_kind="ValueError" if i % 10 == 0 else "")
                for i in range(400)
            ]  # fmt: skip
            recorded(worker, *rows)
        stats_absorb()
        assert canaries_look() == 1
        canary.refresh_from_db()
        assert canary.status == status


def test_what_stays_unclear_ends_undecided(worker: Worker, winner: ProgramVersion) -> None:
    canary = canary_start(winner, by=SYSTEM, share=0.5, smallest=0.01, most_calls=100)
    Calls(worker).send(120, old=0.9, new=0.9)
    assert canaries_look() == 1
    canary.refresh_from_db()
    assert canary.status == "undecided"
    worker.refresh_from_db()
    assert worker.active_version == canary.against


def test_calls_of_before_the_start_do_not_count(worker: Worker, winner: ProgramVersion) -> None:
    canary = canary_start(winner, by=SYSTEM, share=0.5)
    recorded(worker, record(worker, version=0, started_at=canary.created_at - timedelta(seconds=1)))
    stats_absorb()
    assert not CanaryTally.objects.exists()


def test_a_caller_stays_with_one_version_and_the_share_holds(worker: Worker, winner: ProgramVersion) -> None:
    assert answering(worker, "anybody") == worker.active_version
    canary_start(winner, by=SYSTEM, share=0.25)
    chosen = {f"customer {i}": answering(worker, f"customer {i}") for i in range(400)}
    assert all(answering(worker, caller) == version for caller, version in chosen.items())
    assert sum(version == winner for version in chosen.values()) / 400 == pytest.approx(0.25, abs=0.06)


def test_only_one_at_a_time_and_only_with_sense(worker: Worker, winner: ProgramVersion) -> None:
    with pytest.raises(NotAllowed):
        canary_start(winner, by=actor("operator"), share=0.2)
    with pytest.raises(Refused):
        canary_start(winner, by=SYSTEM, share=0.9)
    with pytest.raises(Conflict):
        canary_start(worker.versions.get(number=0), by=SYSTEM, share=0.2)
    canary = canary_start(winner, by=SYSTEM, share=0.2)
    with pytest.raises(Conflict):
        canary_start(winner, by=SYSTEM, share=0.2)
    canary_end(canary, by=actor("approver"), status="stopped", why="enough")
    with pytest.raises(Conflict):
        canary_end(canary, by=actor("approver"), status="stopped", why="again")
    canary_start(winner, by=SYSTEM, share=0.2)


def test_a_promotion_or_a_rollback_by_hand_ends_it(worker: Worker, winner: ProgramVersion) -> None:
    canary = canary_start(winner, by=SYSTEM, share=0.2)
    version_promote(winner, by=actor("approver"))
    canary.refresh_from_db()
    assert canary.status == "stopped"
    canary = canary_start(worker.versions.get(number=0), by=SYSTEM, share=0.2)
    worker.refresh_from_db()
    worker_rollback(worker, by=actor("approver"))
    canary.refresh_from_db()
    assert canary.status == "stopped"


@pytest.mark.parametrize(("new", "promotions"), [(0.95, 1), (0.05, 0)])
def test_two_schedulers_end_it_once(worker: Worker, winner: ProgramVersion, new: float, promotions: int) -> None:
    canary_start(winner, by=SYSTEM, share=0.5)
    Calls(worker).send(400, old=0.5, new=new)
    ended: list[int] = []

    def look() -> None:
        ended.append(canaries_look())
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(ended) == 1
    assert AuditEvent.objects.filter(verb="canary.finish").count() == 1
    assert Promotion.objects.filter(version=winner).count() == promotions


def test_processes_hear_of_it_with_a_new_tag(worker: Worker, winner: ProgramVersion) -> None:
    before = active_version(worker)
    assert before["canary"] is None
    canary_start(winner, by=SYSTEM, share=0.3)
    after = active_version(worker)
    assert after["etag"] != before["etag"]
    assert (after["canary"]["version"], after["canary"]["share"]) == (winner.number, 0.3)
    assert after["canary"]["state"] == winner.state


def test_whoever_started_the_run_does_not_promote_alone(worker: Worker, run: Run, winner: ProgramVersion) -> None:
    one = actor("approver")
    Run.objects.filter(pk=run.pk).update(requested_by=one.name)
    winner = ProgramVersion.objects.select_related("run", "worker").get(pk=winner.pk)
    worker_two_people(worker, by=one, wanted=True)
    for change in (lambda: version_promote(winner, by=one), lambda: canary_start(winner, by=one, share=0.2)):
        with pytest.raises(Conflict, match="Somebody else"):
            change()
    with pytest.raises(NotAllowed):
        worker_two_people(worker, by=one, wanted=False)
    version_promote(winner, by=SYSTEM)


def test_the_system_ends_a_trial_of_its_own_run_that_a_person_started(worker: Worker, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(requested_by="Uplift")
    Worker.objects.update(two_people=True)
    winner = ProgramVersion.objects.select_related("run", "worker").get(run=run)
    canary_start(winner, by=actor("approver"), share=0.5)
    Calls(worker).send(400, old=0.5, new=0.95)
    assert canaries_look() == 1


def test_a_tally_that_cannot_be_read_keeps_no_statistics_from_going_on(worker: Worker, winner: ProgramVersion) -> None:
    canary = canary_start(winner, by=SYSTEM, share=0.5)
    CanaryTally.objects.create(canary=canary, old={"success": "nonsense"})
    Calls(worker).send(20, old=0.9, new=0.9)
    assert sum(stat.calls for stat in Stat.objects.filter(size="d")) == 20


def test_people_start_watch_and_end_it_on_the_page(worker: Worker, winner: ProgramVersion, signed_in: SignIn) -> None:
    client = signed_in("approver")
    page = f"/workers/{worker.pk}/canary/"
    assert "Put a version on trial" in client.get(page).content.decode()
    sent = {"version": str(winner.pk), "share": "20", "smallest": "5", "most_calls": "1000"}
    assert "Ensure this value" in client.post(page, sent | {"share": "80"}).content.decode()
    assert client.post(page, sent).status_code == 302
    canary = Canary.objects.get()
    assert canary.share == pytest.approx(0.2)
    Calls(worker).send(200, old=0.9, new=0.9)
    shown = client.get(page).content.decode()
    assert "Not decided yet, after 200 of at most 1,000 calls" in shown
    live = f"{page}{canary.pk}/live/"
    assert client.get(live).status_code == 200
    assert client.get(live, {"seen": "running-200-0"}).status_code == 204
    assert signed_in("viewer").get(page).status_code == 200
    client = signed_in("approver")
    assert client.post(f"{page}{canary.pk}/end/", {"why": "seen enough"}).status_code == 302
    assert "seen enough" in client.get(page).content.decode()


def test_programs_start_call_read_and_end_it(worker: Worker, winner: ProgramVersion, signed_in: SignIn) -> None:
    client = signed_in("admin")
    address = f"/api/v1/versions/{winner.pk}/canary"
    made = client.post(address, {"share": 0.5}, content_type="application/json")
    assert (made.status_code, made.json()["status"]) == (201, "running")
    said = {"inputs": {"message": "my invoice is wrong"}}

    def answered(caller: str) -> int:
        body = said | {"caller": caller}
        told = client.post(f"/api/v1/workers/{worker.pk}/predict", body, content_type="application/json")
        return int(told.json()["version_id"])

    callers = [f"caller {number}" for number in range(30)]
    versions = [answered(caller) for caller in callers]
    assert set(versions) == {winner.pk, worker.active_version_id}  # all on one side: once in 500 million
    assert [answered(caller) for caller in callers[:5]] == versions[:5]
    stats_absorb()
    told = client.get(f"/api/v1/measures/workers/{worker.pk}/canaries").json()["records"]
    assert (told[0]["calls"], told[0]["status"]) == (35, "running")
    ended = client.post(f"{address}/end", {"why": "seen"}, content_type="application/json")
    assert ended.json()["status"] == "stopped"
    assert client.post(f"{address}/end", {}, content_type="application/json").status_code == 404
