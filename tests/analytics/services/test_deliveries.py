"""Word of incidents: once to every channel, again until it arrives, signed, never to where it must not go."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from analytics.models import Channel, Delivery, Incident
from analytics.services.channels import channel_delete, channel_save, channel_switch, channel_test
from analytics.services.deliveries import PAUSES, deliveries_queue, deliveries_send
from analytics.services.incidents import incident_resolve, incident_snooze
from analytics.transports.http import signature
from optimizer_app.common.access import SYSTEM, NotAllowed
from optimizer_app.common.problems import Refused
from optimizer_app.models import AuditEvent, Worker
from tests.analytics.services.sinks import Sink, sinking
from tests.conftest import SignIn, actor

pytestmark = pytest.mark.django_db
SECRET = "a key of more than sixteen"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as made:
        yield made


@pytest.fixture
def incident(worker: Worker) -> Incident:
    now = timezone.now()
    told = {"baseline": 0.9, "level": 0.6, "count": 40, "delta": 0.05, "promise": 1000, "scale": {}}
    cause = {"kind": "label", "name": "<b>K2</b>", "before": 0.1, "after": 0.5, "share": True, "p": 0.001}
    return Incident.objects.create(
        worker=worker, signal="success", noticed_at=now, began_at=now, evidence=told, causes=[cause]
    )  # fmt: skip


def channel(kind: str, **config: object) -> Channel:
    return channel_save(None, by=SYSTEM, name=f"My {kind}", kind=kind, worker=None, config=dict(config))


def webhook(sink: Sink) -> Channel:
    return channel("webhook", url=sink.url, secret=SECRET)


def test_a_signed_webhook_can_be_checked_by_its_receiver(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    deliveries_queue(incident, "opened")
    assert deliveries_send() == 1
    headers, body = sink.got[0]
    told = json.loads(body)
    assert told["title"] == f"{incident.worker}: success fell"
    assert told["facts"]["From"] == "90.0 %"
    assert headers["X-Uplift-Signature"] == f"sha256={signature(SECRET, headers['X-Uplift-Time'], body)}"
    assert headers["X-Uplift-Key"] == told["key"] == Delivery.objects.get().key


def test_an_event_is_told_once_however_often_it_is_queued_and_whoever_sends(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    for _ in range(3):
        deliveries_queue(incident, "opened")
    assert deliveries_send() + deliveries_send() == 1
    assert len(sink.got) == 1


def test_what_does_not_arrive_is_sent_again_under_the_same_key(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    deliveries_queue(incident, "opened")
    sink.status = 503
    assert deliveries_send() == 0
    waiting = Delivery.objects.get()
    assert (waiting.status, waiting.attempts) == ("waiting", 1)
    assert waiting.detail.startswith("503")
    assert waiting.next_at > timezone.now() + PAUSES[0] / 2
    assert deliveries_send() == 0  # not before its time
    sink.status = 200
    Delivery.objects.update(next_at=timezone.now())
    assert deliveries_send() == 1
    assert len({headers["X-Uplift-Key"] for headers, _ in sink.got}) == 1


@pytest.mark.parametrize(("status", "tries"), [(410, 1), (500, len(PAUSES) + 1)])
def test_what_is_given_up_switches_the_channel_off_and_says_so(
    sink: Sink, incident: Incident, status: int, tries: int
) -> None:
    made = webhook(sink)
    sink.status = status
    deliveries_queue(incident, "opened")
    for _ in range(tries):
        Delivery.objects.update(next_at=timezone.now())
        assert deliveries_send() == 0
    assert Delivery.objects.get().status == "failed"
    made.refresh_from_db()
    assert not made.enabled
    assert str(status) in made.problem
    assert AuditEvent.objects.filter(verb="channel.off").exists()
    assert deliveries_queue(incident, "resolved") == 0


def test_a_sender_that_dies_in_between_leaves_the_message_to_the_next(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    deliveries_queue(incident, "opened")
    Delivery.objects.update(attempts=1, next_at=timezone.now() + PAUSES[0])  # claimed, and never heard of again
    assert deliveries_send() == 0
    Delivery.objects.update(next_at=timezone.now())
    assert deliveries_send() == 1


def test_redirects_lead_nowhere(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    sink.status = 302
    deliveries_queue(incident, "opened")
    assert deliveries_send() == 0
    assert "302" in Delivery.objects.get().detail


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "ftp://x.example/", "http://u:p@x.example/",
     "http://0.0.0.0/", "nonsense", "http://x.example:99999/"],
)  # fmt: skip
def test_addresses_that_must_not_be_reached_are_refused(url: str) -> None:
    with pytest.raises(Refused):
        channel("webhook", url=url, secret=SECRET)


def test_addresses_of_this_network_can_be_switched_off(sink: Sink, incident: Incident, settings: object) -> None:
    webhook(sink)
    settings.ALLOW_PRIVATE_ADDRESSES = False  # type: ignore[attr-defined]
    deliveries_queue(incident, "opened")
    assert deliveries_send() == 0
    assert not sink.got
    assert "switched off" in Delivery.objects.get().detail


def test_slack_and_pagerduty_speak_their_own_forms(sink: Sink, incident: Incident) -> None:
    channel("slack", url=sink.url)
    channel("pagerduty", routing_key="R0UT1NG", url=sink.url)
    deliveries_queue(incident, "opened")
    deliveries_queue(incident, "resolved")
    assert deliveries_send() == 4
    bodies = [json.loads(body) for _, body in sink.got]
    slack = next(body for body in bodies if "text" in body)
    assert "&lt;b&gt;K2" in slack["text"]
    events = [(body["event_action"], body["dedup_key"]) for body in bodies if "event_action" in body]
    assert events == [("trigger", f"incident-{incident.pk}"), ("resolve", f"incident-{incident.pk}")]


def test_mail_keeps_one_incident_together(incident: Incident, settings: object) -> None:
    settings.EMAIL_HOST = "mail.example"  # type: ignore[attr-defined]
    settings.PUBLIC_URL = "https://uplift.example"  # type: ignore[attr-defined]
    channel("email", addresses=["ops@b.example"])
    deliveries_queue(incident, "opened")
    deliveries_queue(incident, "resolved")
    assert deliveries_send() == 2
    assert {sent.extra_headers["References"] for sent in mail.outbox} == {f"<incident-{incident.pk}@localhost>"}
    assert f"https://uplift.example/incidents/{incident.pk}/" in str(mail.outbox[0].body)
    assert "&lt;b&gt;K2" in str(mail.outbox[0].message())


def test_reminders_come_daily_until_somebody_looks(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    Incident.objects.update(noticed_at=timezone.now() - timedelta(hours=25))
    assert deliveries_send() == 1
    assert deliveries_send() == 0
    Incident.objects.update(noticed_at=timezone.now() - timedelta(hours=49))
    assert deliveries_send() == 1
    Incident.objects.update(noticed_at=timezone.now() - timedelta(hours=73), status="acknowledged")
    assert deliveries_send() == 0


def test_a_snoozed_incident_is_quiet_and_a_resolved_one_says_so(sink: Sink, incident: Incident) -> None:
    webhook(sink)
    incident_snooze(incident, by=actor("operator"), hours=1)
    incident.refresh_from_db()
    assert deliveries_queue(incident, "reminder") == 0
    Incident.objects.update(snoozed_until=None)
    incident.refresh_from_db()
    deliveries_queue(incident, "opened")
    assert deliveries_send() == 1
    incident_resolve(incident, by=actor("operator"), verdict="real")
    assert deliveries_send() == 1
    assert [json.loads(body)["severity"] for _, body in sink.got] == ["critical", "info"]


def test_only_the_channels_of_a_worker_hear_of_it(sink: Sink, incident: Incident) -> None:
    other = Worker.objects.create(
        name="other", program=incident.worker.program, language_model=incident.worker.language_model,
        metric=incident.worker.metric,
    )  # fmt: skip
    channel_save(None, by=SYSTEM, name="others", kind="slack", worker=other, config={"url": sink.url})
    assert deliveries_queue(incident, "opened") == 0


def test_admins_make_try_switch_and_delete_channels(sink: Sink, signed_in: SignIn) -> None:
    client = signed_in("admin")
    sent = {
        "name": "Hook",
        "worker": "",
        "url": sink.url,
        "secret": "short",
        "topics": ["incidents"],
        "least": "warning",
        "after_minutes": "0",
    }
    assert "At least 16" in client.post("/channels/new/webhook/", sent).content.decode()
    assert client.post("/channels/new/webhook/", sent | {"secret": SECRET}).status_code == 302
    made = Channel.objects.get()
    assert SECRET not in client.get("/channels/").content.decode()
    assert client.post(f"/channels/{made.pk}/test/").status_code == 302
    assert deliveries_send() == 1
    assert "Nothing is wrong" in sink.got[0][1].decode()
    for change in ("off", "on", "delete"):
        assert client.post(f"/channels/{made.pk}/{change}/").status_code == 302
    assert not Channel.objects.exists()
    assert client.get("/channels/new/pigeon/").status_code == 404


def test_only_admins_touch_channels(sink: Sink) -> None:
    made = webhook(sink)
    for change in (channel_test, channel_delete):
        with pytest.raises(NotAllowed):
            change(made, by=actor("approver"))
    with pytest.raises(NotAllowed):
        channel_switch(made, by=actor("approver"), enabled=False)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("email", {"addresses": []}), ("email", {"addresses": ["nobody"]}), ("pagerduty", {"routing_key": ""}),
        ("slack", {}), ("pigeon", {}), ("webhook", {"url": "http://x.example", "secret": "a" * 16, "more": 1}),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_work_is_refused(kind: str, config: dict[str, object]) -> None:
    with pytest.raises(Refused):
        channel(kind, **config)
