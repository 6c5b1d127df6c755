"""Detectors in production: armed by real executions, alarmed by a real fall, told apart from noise, closed by recovery
or by people; nothing is doubled by duplicates, corrections or several absorbers."""

import random
from datetime import datetime, timedelta

import msgspec
import pytest
from django.utils import timezone

from analytics.models import Delivery, Incident, Monitor, WatchPolicy
from analytics.selectors.messages import message_of
from analytics.selectors.watching import back_test, watched
from analytics.services.explanations import incident_explain
from analytics.services.incidents import incident_acknowledge, incident_note, incident_resolve, incident_snooze
from analytics.services.stats import stats_absorb
from analytics.services.watching import watch_set
from optimizer_app.common.access import SYSTEM, NotAllowed
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import AuditEvent, Worker
from optimizer_app.sdk.payload import ExecutionRecord, FeedbackRecord
from optimizer_app.services.executions import Receipt
from optimizer_app.services.feedback import feedback_record
from optimizer_app.services.versions import version_promote
from tests.conftest import SignIn, actor
from tests.factories.executions import record, recorded
from tests.factories.workers import finished_run

pytestmark = pytest.mark.django_db


class Traffic:
    """Calls of a worker that go on; `fall` makes every tenth and more of them fail."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.draw, self.version = worker, random.Random(3), 0
        self.at: datetime = timezone.now() - timedelta(days=2)

    def rows(
        self, n: int, *, success: float = 0.95, label: str = "K1", kind: str = "ValueError"
    ) -> list[ExecutionRecord]:
        made = []
        for _ in range(n):
            self.at += timedelta(seconds=20)
            ok = self.draw.random() < success
            made.append(
                record(
                    self.worker, started_at=self.at, error_kind="" if ok else kind, latency_ms=300.0, cost_usd=0.001,
                    outputs={"team": label} if ok else {}, version=self.version,
                )
            )  # fmt: skip
        return made

    def send(self, n: int, **how: object) -> None:
        recorded(self.worker, *self.rows(n, **how))  # type: ignore[arg-type]
        stats_absorb()


@pytest.fixture
def traffic(worker: Worker) -> Traffic:
    return Traffic(worker)


def incident() -> Incident:
    return Incident.objects.get(signal="success")


def fallen(traffic: Traffic) -> Incident:
    traffic.send(600)
    assert not Incident.objects.exists()
    traffic.send(200, success=0.6, kind="TimeoutError")
    return incident()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize(("success", "noticed"), [(0.5, True), (0.95, False)])
def test_a_promoted_version_is_watched_from_its_first_call_on(worker: Worker, success: float, noticed: bool) -> None:
    winner = finished_run(worker).winner
    assert winner
    traffic = Traffic(worker)
    traffic.send(600)
    version_promote(winner, by=SYSTEM)
    traffic.version = winner.number
    traffic.send(80, success=success)
    assert Incident.objects.filter(signal="success", version=winner.pk).exists() == noticed
    assert "success" in Monitor.objects.get(version=winner.pk).inherited
    if not noticed:
        traffic.send(300, success=success)
        assert "success" not in Monitor.objects.get(version=winner.pk).inherited


def test_new_words_of_callers_are_named_and_stay_inside(traffic: Traffic) -> None:
    traffic.send(600)
    rows = traffic.rows(200, success=0.6)
    new = [msgspec.structs.replace(row, inputs={"message": f"passkey {n} lost"}) for n, row in enumerate(rows)]
    recorded(traffic.worker, *new)
    stats_absorb()
    found = incident()
    incident_explain(found.pk)
    found.refresh_from_db()
    told = {cause["name"]: (cause["before"], cause["after"]) for cause in found.causes if cause["kind"] == "word"}
    assert told["passkey"] == pytest.approx((0.0, 1.0), abs=0.2)
    delivery = Delivery(incident=found, event="opened", key="k")
    assert "passkey" not in message_of(delivery).text


def test_a_fall_opens_one_incident_that_says_what_it_knows(traffic: Traffic) -> None:
    found = fallen(traffic)
    assert found.status == "open"
    assert found.evidence["baseline"] == pytest.approx(0.95, abs=0.03)
    assert found.evidence["level"] < 0.85
    assert found.began_at < found.noticed_at
    traffic.send(100, success=0.6)
    assert Incident.objects.filter(signal="success").count() == 1
    assert AuditEvent.objects.filter(verb="incident.open").count() == 1


def test_calm_traffic_opens_none_and_shows_how_far_it_is(traffic: Traffic) -> None:
    for _ in range(10):
        traffic.send(150)
    assert not Incident.objects.exists()
    states = {signal.signal: signal for signal in watched(traffic.worker)}
    assert states["success"].state == "calm"
    assert 0 <= states["success"].evidence < 0.9
    assert states["success"].noticed_after is not None
    assert states["score"].state == "learning"


def test_recovery_resolves_it_and_watching_goes_on(traffic: Traffic) -> None:
    found = fallen(traffic)
    traffic.send(900)
    found.refresh_from_db()
    assert (found.status, found.resolved_by) == ("resolved", "Uplift")
    assert "corrected_level" in found.evidence
    traffic.send(300, success=0.5)
    assert Incident.objects.filter(signal="success").count() == 2


def test_what_moved_is_named(traffic: Traffic) -> None:
    found = fallen(traffic)
    assert incident_explain(found.pk) >= 1
    found.refresh_from_db()
    assert ("error", "TimeoutError") in {(cause["kind"], cause["name"]) for cause in found.causes}


def test_rows_sent_twice_and_in_any_batches_give_the_same_state(traffic: Traffic) -> None:
    watch_set(traffic.worker, by=actor("approver"), enabled=True, days=1, drops={})  # the promise is the least one
    rows = traffic.rows(400)
    recorded(traffic.worker, *rows, *rows[:50])
    stats_absorb()
    whole = Monitor.objects.get().watches
    Monitor.objects.all().delete()
    other = Worker.objects.get(pk=traffic.worker.pk)
    again = [
        ExecutionRecord(**{f: getattr(row, f) for f in row.__struct_fields__} | {"id": record(other).id})
        for row in rows
    ]
    for start in range(0, 400, 70):
        recorded(other, *again[start : start + 70])
        stats_absorb()
    assert Monitor.objects.get().watches == whole


def test_scores_that_come_later_are_watched_too(traffic: Traffic) -> None:
    for batch in range(8):
        rows = traffic.rows(100, success=1.0)
        recorded(traffic.worker, *rows)
        told = [
            FeedbackRecord(
                id=record(traffic.worker).id, execution_id=row.id, score=0.9 if batch < 6 else 0.3, source="judge"
            )
            for row in rows
        ]
        assert feedback_record(list(enumerate(told)), by=SYSTEM, receipt=Receipt()).accepted == 100
        stats_absorb()
    assert Incident.objects.filter(signal="score").count() == 1
    assert not Incident.objects.filter(signal="success").exists()


def test_people_acknowledge_note_snooze_and_say_what_it_was(traffic: Traffic) -> None:
    found, by = fallen(traffic), actor("operator")
    with pytest.raises(NotAllowed):
        incident_acknowledge(found, by=actor("viewer"))
    incident_acknowledge(found, by=by)
    with pytest.raises(Conflict):
        incident_acknowledge(found, by=by)
    incident_note(found, by=by, text="The provider says it is theirs.")
    incident_snooze(found, by=by, hours=4)
    with pytest.raises(Refused):
        incident_resolve(found, by=by, verdict="dunno")
    incident_resolve(found, by=by, verdict="new normal")
    assert "success" not in Monitor.objects.get().watches  # it learns anew
    with pytest.raises(Conflict):
        incident_resolve(found, by=by, verdict="real")
    assert [note.by for note in found.notes.all()] == ["operator"] * 4


def test_a_worker_can_be_left_alone_or_watched_more_closely(traffic: Traffic) -> None:
    watch_set(traffic.worker, by=actor("approver"), enabled=False, days=30, drops={})
    traffic.send(600)
    assert not Monitor.objects.exists()
    watch_set(traffic.worker, by=actor("approver"), enabled=True, days=7, drops={"success": 0.02})
    traffic.send(600)
    assert Monitor.objects.get().watches["success"]["detector"]["delta"] == 0.02
    with pytest.raises(Refused):
        watch_set(traffic.worker, by=actor("approver"), enabled=True, days=0, drops={"luck": 0.1})


def test_the_back_test_is_what_production_says(traffic: Traffic) -> None:
    traffic.send(600)
    traffic.send(200, success=0.6)
    tried = back_test(traffic.worker, days=30, drops={})
    assert "Success" in tried.armed
    alarm = next(alarm for alarm in tried.alarms if alarm.signal == "success")
    assert 600 < alarm.row < 660
    assert abs((alarm.at - incident().noticed_at).total_seconds()) < 1200
    assert back_test(Worker.objects.create(
        name="x", program=traffic.worker.program, language_model=traffic.worker.language_model,
        metric=traffic.worker.metric,
    ), days=30, drops={}).rows == 0  # fmt: skip


def test_pages(traffic: Traffic, signed_in: SignIn) -> None:
    found, client = fallen(traffic), signed_in("approver")
    incident_explain(found.pk)
    assert "Success" in client.get("/incidents/").content.decode()
    shown = client.get(f"/incidents/{found.pk}/").content.decode()
    assert "TimeoutError" in shown
    assert "First estimate" in shown
    assert "alarm" in client.get(f"/workers/{traffic.worker.pk}/watch/").content.decode()
    tried = client.post(f"/workers/{traffic.worker.pk}/watch/", {"try": "1", "enabled": "on", "days": "30"})
    assert "were taken as healthy" in tried.content.decode()
    saved = client.post(f"/workers/{traffic.worker.pk}/watch/", {"enabled": "on", "days": "14", "success": "3"})
    assert saved.status_code == 302
    assert WatchPolicy.objects.get().drops == {"success": 0.03}
    for change, sent in (("acknowledge", {}), ("note", {"text": "hm"}), ("snooze", {"hours": "2"})):
        assert client.post(f"/incidents/{found.pk}/{change}/", sent).status_code == 302
    assert client.post(f"/incidents/{found.pk}/note/", {"text": ""}).status_code == 200
    assert client.post(f"/incidents/{found.pk}/resolve/", {"verdict": "real"}).status_code == 302
    assert "Nothing is wrong" in client.get("/incidents/").content.decode()
    assert "resolved" in client.get("/incidents/?all=1").content.decode()
