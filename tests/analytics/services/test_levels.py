"""Plain levels over the last hour, and calls that stay away."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import Incident, Stat, WatchPolicy
from analytics.models.stats import SUMS
from analytics.selectors.periods import floor
from analytics.services.levels import levels_look
from analytics.services.stats import stats_absorb
from analytics.services.traffic import silent_look, traffic_look
from analytics.services.watching import levels_set
from optimizer_app.common.access import SYSTEM, NotAllowed
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from tests.conftest import SignIn, actor
from tests.factories.executions import record, recorded

pytestmark = pytest.mark.django_db


def set_levels(worker: Worker, no_data: str = "keep", hours: int = 24, **levels: dict[str, float]) -> WatchPolicy:
    return levels_set(worker, by=SYSTEM, levels=levels, no_data=no_data, no_data_hours=hours)


def send(worker: Worker, n: int, *, failing: int = 0, latency_ms: float = 100.0) -> None:
    now = timezone.now() - timedelta(minutes=2)
    recorded(worker, *(
        record(worker, started_at=now, latency_ms=latency_ms, error_kind="ValueError" if i < failing else "")
        for i in range(n)
    ))  # fmt: skip
    stats_absorb()


def test_a_level_that_is_crossed_opens_worsens_and_closes_by_itself(worker: Worker) -> None:
    set_levels(worker, error_rate={"warning": 0.1, "critical": 0.3})
    send(worker, 19, failing=19)
    levels_look()
    assert not Incident.objects.exists()  # too few calls
    send(worker, 81)
    levels_look()
    incident = Incident.objects.get()
    assert (incident.severity, incident.status) == ("warning", "open")
    send(worker, 100, failing=80)
    levels_look()
    incident.refresh_from_db()
    assert incident.severity == "critical"
    send(worker, 2000)
    levels_look()
    incident.refresh_from_db()
    assert incident.status == "resolved"
    assert "Within its levels again" in incident.notes.last().text  # type: ignore[union-attr]
    levels_look()
    assert Incident.objects.count() == 1


def test_levels_of_latency_are_in_milliseconds(worker: Worker, signed_in: SignIn) -> None:
    set_levels(worker, latency_ms={"critical": 500.0})
    send(worker, 30, latency_ms=900.0)
    levels_look()
    shown = signed_in("viewer").get(f"/incidents/{Incident.objects.get().pk}/").content.decode()
    assert "500 ms" in shown


@pytest.mark.parametrize(
    "levels",
    [{"success": {"warning": 0.8, "critical": 0.9}}, {"cost": {"warning": 2.0, "critical": 1.0}}, {"mood": {}},
     {"cost": {"info": 1.0}}],
)  # fmt: skip
def test_levels_without_sense_are_refused(worker: Worker, levels: dict[str, dict[str, float]]) -> None:
    with pytest.raises(Refused):
        levels_set(worker, by=SYSTEM, levels=levels, no_data="keep", no_data_hours=1)
    with pytest.raises(NotAllowed):
        levels_set(worker, by=actor("operator"), levels={}, no_data="keep", no_data_hours=1)


def test_levels_are_set_on_the_page(worker: Worker, signed_in: SignIn) -> None:
    page, client = f"/workers/{worker.pk}/watch/", signed_in("approver")
    sent = {"levels-no_data": "notify", "levels-no_data_hours": "6", "levels-success_critical": "90"}
    assert client.post(page, sent).status_code == 302
    kept = WatchPolicy.objects.get()
    assert (kept.levels, kept.no_data, kept.no_data_hours) == ({"success": {"critical": 0.9}}, "notify", 6)
    wrong = client.post(page, sent | {"levels-success_warning": "80"})
    assert "lies beyond the warning" in wrong.content.decode()


def hours(worker: Worker, *, days: int, calls: int, until_hours_ago: int) -> None:
    """So many calls in each hour of the last days, up to some hours ago."""
    Stat.objects.bulk_create(hour(worker, back, calls + back % 3) for back in range(until_hours_ago, 24 * days))


def hour(worker: Worker, back: int, calls: int) -> Stat:
    start = floor(timezone.now(), "h") - timedelta(hours=back)
    return Stat(worker=worker, size="h", start=start, **dict.fromkeys(SUMS, 0) | {"calls": calls})


def test_calls_that_stay_away_open_an_incident_and_coming_back_closes_it(worker: Worker) -> None:
    hours(worker, days=12, calls=20, until_hours_ago=4)
    traffic_look()
    incident = Incident.objects.get()
    assert (incident.signal, incident.severity) == ("traffic", "critical")
    Stat.objects.bulk_create(hour(worker, back, 20) for back in range(4))
    traffic_look()
    incident.refresh_from_db()
    assert incident.status == "resolved"


def test_ordinary_or_unknown_traffic_is_no_incident(worker: Worker) -> None:
    hours(worker, days=12, calls=20, until_hours_ago=0)
    traffic_look()
    Stat.objects.all().delete()
    hours(worker, days=3, calls=20, until_hours_ago=5)
    traffic_look()
    assert not Incident.objects.exists()


@pytest.mark.parametrize(("mode", "told"), [("keep", []), ("notify", ["traffic"])])
def test_what_happens_without_any_call_is_said_by_the_policy(worker: Worker, mode: str, told: list[str]) -> None:
    set_levels(worker, no_data=mode, hours=6)
    hours(worker, days=2, calls=3, until_hours_ago=9)
    silent_look()
    silent_look()
    assert [incident.signal for incident in Incident.objects.all()] == told


def test_without_calls_open_incidents_can_be_closed(worker: Worker) -> None:
    set_levels(worker, no_data="resolve", hours=6, error_rate={"critical": 0.1})
    send(worker, 50, failing=50)
    levels_look()
    Stat.objects.all().delete()
    hours(worker, days=2, calls=3, until_hours_ago=9)
    silent_look()
    assert Incident.objects.get().status == "resolved"


def test_a_worker_that_is_called_again_needs_nobody_to_say_so(worker: Worker) -> None:
    set_levels(worker, no_data="notify", hours=6)
    hours(worker, days=2, calls=3, until_hours_ago=9)
    silent_look()
    hour(worker, 0, 1).save()
    silent_look()
    assert Incident.objects.get().status == "resolved"
