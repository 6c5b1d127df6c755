"""Who is told when: severity, hours, silences, escalation, one outage once; and news of runs and versions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from analytics.models import Channel, Delivery, Incident, Silence
from analytics.services.channels import channel_save, channel_switch
from analytics.services.deliveries import deliveries_queue, deliveries_send
from analytics.services.incidents import (
    incident_acknowledge,
    incident_begin,
    incident_recover,
    incident_resolve,
    incident_worsen,
)
from analytics.services.silences import silence_end, silence_make
from analytics.services.stats import stats_absorb
from optimizer_app.common.access import SYSTEM, NotAllowed
from optimizer_app.common.problems import Refused
from optimizer_app.models import LanguageModel, Worker
from optimizer_app.services.versions import version_promote
from tests.analytics.services.sinks import Sink, sinking
from tests.conftest import SignIn, actor
from tests.factories.executions import record, recorded
from tests.factories.workers import finished_run, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)  # a run writes from a thread of its own
EVIDENCE = {"baseline": 0.9, "level": 0.6, "count": 40, "delta": 0.05, "promise": 1000, "scale": {}}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as made:
        yield made


def channel(sink: Sink, name: str = "hook", **routing: Any) -> Channel:
    config = {"url": sink.url, "secret": "a key of more than sixteen"}
    return channel_save(None, by=SYSTEM, name=name, kind="webhook", worker=None, config=config, **routing)


def begun(worker: Worker, signal: str = "success", severity: str = "critical") -> Incident:
    now = timezone.now()
    with transaction.atomic():
        return incident_begin(
            worker, 0, signal, severity=severity, evidence=dict(EVIDENCE), noticed_at=now, began_at=now
        )


def other_worker(**changes: Any) -> Worker:
    return routing_worker(**changes)


def other_model() -> LanguageModel:
    kept = LanguageModel.objects.get(name="Built-in lexical model")
    kept.pk, kept.name = None, "Another"
    kept.save(force_insert=True)
    return kept


def test_a_channel_for_critical_ones_hears_of_a_warning_once_it_gets_worse(sink: Sink, worker: Worker) -> None:
    channel(sink, least="critical")
    found = begun(worker, "cost", "warning")
    assert deliveries_send() == 0
    incident_worsen(found, "twice as much")
    assert deliveries_send() == 1
    assert sink.titles == [f"{worker.name}: cost fell further"]
    assert sink.last["severity"] == "critical"


def test_outside_its_hours_a_channel_waits_and_hears_nothing_of_what_is_over(sink: Sink, worker: Worker) -> None:
    hour = timezone.localtime().hour
    channel(sink, hours=((hour + 2) % 24, (hour + 3) % 24))
    first, second = begun(worker), begun(other_worker(language_model=other_model()))
    assert deliveries_send() == 0
    waiting = Delivery.objects.get(incident=first)
    assert timedelta(0) < waiting.next_at - timezone.now() <= timedelta(hours=2)
    incident_recover(first, "well again")
    Channel.objects.update(hours_from=None, hours_to=None)
    Delivery.objects.update(next_at=timezone.now())
    deliveries_send()
    deliveries_send()
    assert sink.titles == [f"{second.worker.name}: success fell"]
    assert set(Delivery.objects.filter(incident=first).values_list("status", flat=True)) == {"dropped"}


def test_a_silence_holds_messages_back_and_its_end_lets_them_go(sink: Sink, worker: Worker) -> None:
    channel(sink)
    now = timezone.now()
    silence = silence_make(
        by=actor("operator"), worker=worker, starts_at=now, ends_at=now + timedelta(hours=1), reason="maintenance"
    )  # fmt: skip
    begun(worker)
    begun(other_worker(language_model=other_model()))
    assert deliveries_send() == 1
    silence_end(silence, by=actor("operator"))
    assert deliveries_send() == 1


@pytest.mark.parametrize(("starts", "ends", "reason"), [(0, -1, "x"), (1, 0.5, "x"), (0, 24 * 31, "x"), (0, 1, " ")])
def test_silences_end_in_the_future_and_say_why(worker: Worker, starts: float, ends: float, reason: str) -> None:
    now = timezone.now()
    with pytest.raises(Refused):
        silence_make(
            by=SYSTEM, worker=worker, starts_at=now + timedelta(hours=starts), ends_at=now + timedelta(hours=ends),
            reason=reason,
        )  # fmt: skip
    with pytest.raises(NotAllowed):
        silence_make(by=actor("viewer"), worker=worker, starts_at=now, ends_at=now + timedelta(hours=1), reason="x")


def test_the_next_in_line_is_told_once_of_what_nobody_acknowledges(sink: Sink, worker: Worker) -> None:
    channel(sink, "boss", after_minutes=30)
    found, seen = begun(worker), begun(other_worker(language_model=other_model()))
    incident_acknowledge(seen, by=actor("operator"))
    assert deliveries_send() == 0
    Incident.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    assert deliveries_send() == 1
    assert deliveries_send() == 0
    assert sink.titles == [f"{worker.name}: success fell, and nobody has acknowledged it"]
    found.refresh_from_db()
    incident_resolve(found, by=actor("operator"), verdict="real")
    assert deliveries_send() == 1
    assert sink.titles[-1].endswith("is back")


def test_many_workers_that_fail_together_are_one_outage(sink: Sink, worker: Worker) -> None:
    channel(sink)
    config = {"url": sink.url, "secret": "a key of more than sixteen"}
    mine = other_worker()
    channel_save(None, by=SYSTEM, name="mine", kind="webhook", worker=mine, config=config)
    first = begun(worker)
    same = begun(worker, "latency_ms:slow", "warning")
    neighbour = begun(mine)
    alone = begun(other_worker(language_model=other_model()))
    assert (same.part_of, neighbour.part_of, alone.part_of) == (first, first, None)
    assert deliveries_send() == 3
    assert sorted(sink.titles) == sorted(f"{one.worker.name}: success fell" for one in (first, neighbour, alone))
    Incident.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=1))
    later = begun(other_worker())
    assert later.part_of == neighbour.part_of or later.part_of is None


def test_the_page_says_what_belongs_together(worker: Worker, signed_in: SignIn) -> None:
    first = begun(worker)
    part = begun(other_worker())
    client = signed_in("viewer")
    assert "One outage, 2 incidents" in client.get(f"/incidents/{first.pk}/").content.decode()
    assert f'Part of <a href="/incidents/{first.pk}/"' in client.get(f"/incidents/{part.pk}/").content.decode()
    assert "2 incidents not resolved" in client.get("/incidents/bell/").content.decode()
    assert client.get("/incidents/bell/?seen=2").status_code == 204


def test_mail_shows_the_course_without_pictures(worker: Worker, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example"
    recorded(worker, *(record(worker, started_at=timezone.now() - timedelta(minutes=10 * i)) for i in range(5)))
    stats_absorb()
    channel_save(None, by=SYSTEM, name="m", kind="email", worker=None, config={"addresses": ["a@b.example"]})
    deliveries_queue(begun(worker), "opened")
    assert deliveries_send() == 1
    sent = mail.outbox[0]
    assert isinstance(sent, mail.EmailMultiAlternatives)
    html = str(sent.alternatives[0][0])
    assert html.count("#2f8577") == 5
    assert "100.0%" in html


def test_news_of_runs_and_versions_come_once_and_only_from_now_on(sink: Sink, worker: Worker) -> None:
    run = finished_run(worker)
    made = channel(sink, topics=["runs", "versions"])
    assert deliveries_send() == 0
    assert run.winner
    version_promote(run.winner, by=SYSTEM, reason="because")
    assert deliveries_send() + deliveries_send() == 1
    assert sink.last["title"] == f"{run.winner} is active"
    assert sink.last["facts"]["Why"] == "because"
    channel_switch(made, by=actor("admin"), enabled=False)
    finished_run(routing_worker())
    channel_switch(made, by=actor("admin"), enabled=True)
    finished_run(routing_worker())
    deliveries_send()
    told = [title.partition(": ")[2] for title in sink.titles[1:]]
    assert [title.split(" ", 2)[2] for title in told] == ["was queued", "ended, improved"]
    assert "On the sealed test split" in sink.last["facts"]


def test_news_of_one_worker_only(sink: Sink, worker: Worker) -> None:
    config = {"url": sink.url, "secret": "a key of more than sixteen"}
    channel_save(None, by=SYSTEM, name="mine", kind="webhook", worker=worker, config=config, topics=["runs"])
    finished_run(routing_worker())
    assert deliveries_send() == 0
    begun(worker)
    assert deliveries_send() == 0


def test_programs_follow_events_without_missing_any(worker: Worker, signed_in: SignIn) -> None:
    finished_run(worker)
    client, seen, after = signed_in("viewer"), list[str](), 0
    while True:
        told = client.get("/api/v1/events", {"after": str(after), "limit": "1", "topics": "runs,versions"}).json()
        if not told["events"]:
            break
        seen += [event["verb"] for event in told["events"]]
        after = told["next"]
    assert seen == ["run.create", "run.finish"]
    refused = client.get("/api/v1/events", {"topics": "people"})
    assert refused.status_code == 422
    assert "There is no topic" in refused.content.decode()


def test_people_plan_and_end_silences(worker: Worker, signed_in: SignIn) -> None:
    client = signed_in("operator")
    now = timezone.localtime()
    sent = {
        "worker": str(worker.pk), "starts_at": f"{now:%Y-%m-%dT%H:%M}",
        "ends_at": f"{now + timedelta(hours=2):%Y-%m-%dT%H:%M}", "reason": "Release",
    }  # fmt: skip
    assert client.post("/incidents/silences/", sent | {"ends_at": sent["starts_at"]}).status_code == 200
    assert client.post("/incidents/silences/", sent).status_code == 302
    made = Silence.objects.get()
    assert "Release" in client.get("/incidents/silences/").content.decode()
    assert client.post(f"/incidents/silences/{made.pk}/end/").status_code == 302
    assert "over" in client.get("/incidents/silences/").content.decode()


def test_pagerduty_is_not_told_of_news() -> None:
    with pytest.raises(Refused, match="wakes people"):
        channel_save(
            None, by=SYSTEM, name="p", kind="pagerduty", worker=None, config={"routing_key": "k"},
            topics=["incidents", "runs"],
        )  # fmt: skip
