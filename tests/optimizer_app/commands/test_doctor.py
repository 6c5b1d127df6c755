"""The doctor finds what was broken on purpose, and says what to do."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from optimizer_app.common.keyring import keyring_forget
from optimizer_app.common.keys import new_key
from optimizer_app.models import AuditHead, DataKey, IngestBatch, LanguageModel, Pulse, Run
from optimizer_app.services import doctor
from optimizer_app.services.pulses import SCHEDULER, pulse
from optimizer_app.tasks.maintenance import tick
from optimizer_app.views import health
from tests.factories.workers import queued_run, routing_worker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers here; a second is enough to see that."""
    monkeypatch.setattr(doctor, "PING_S", 0.2)


def found() -> dict[str, list[tuple[str, str, str]]]:
    """subject -> (state, seen, remedy)"""
    out = StringIO()
    with pytest.raises(CommandError, match="wrong"):
        call_command("doctor", "--json", stdout=out)
    told: dict[str, list[tuple[str, str, str]]] = {}
    for line in map(json.loads, out.getvalue().splitlines()):
        told.setdefault(line["subject"], []).append((line["state"], line["seen"], line["remedy"]))
    return told


def test_what_is_well_is_said_and_needs_no_remedy() -> None:
    tick()
    told = found()

    assert told["scheduler"][0][0] == told["keys"][0][0] == told["audit log"][0][0] == "well"
    assert all((state == "well") == (remedy == "") for lines in told.values() for state, _, remedy in lines)


def late_pulse(settings: Settings) -> None:
    Pulse.objects.create(name=SCHEDULER, at=timezone.now() - timedelta(hours=1))


def lost_key(settings: Settings) -> None:
    LanguageModel.objects.update(api_key="k")
    DataKey.objects.all().delete()
    settings.ENCRYPTION_KEYS = new_key()
    keyring_forget()


def cut_chain(settings: Settings) -> None:
    routing_worker()
    AuditHead.objects.update(number=99)


def old_batch(settings: Settings) -> None:
    IngestBatch.objects.create(measures=b"")
    IngestBatch.objects.update(created_at=timezone.now() - timedelta(hours=1))


def waiting_run(settings: Settings) -> None:
    run = queued_run(routing_worker())
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(hours=1))


def loose_key_file(settings: Settings) -> None:
    path = Path(settings.DATA_DIR) / "uplift_audit_key"
    path.touch()
    path.chmod(0o644)


@pytest.mark.parametrize(
    ("subject", "state", "broken"),
    [
        ("scheduler", "wrong", late_pulse),
        ("keys", "wrong", lost_key),
        ("keys", "doubtful", lambda _: DataKey.objects.all().delete()),
        ("audit log", "wrong", cut_chain),
        ("statistics", "wrong", old_batch),
        ("runs", "wrong", waiting_run),
        ("key files", "wrong", loose_key_file),
        ("data folder", "wrong", lambda _: setattr(doctor, "ROOM_WRONG", 2**60)),
        ("workers", "wrong", lambda _: None),
        ("people", "wrong", lambda _: None),
        ("settings", "doubtful", lambda _: None),
    ],
)
def test_what_was_broken_is_found(
    subject: str, state: str, broken: Callable[[Settings], object], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ROOM_WRONG", doctor.ROOM_WRONG)
    before = (Path(settings.DATA_DIR) / "uplift_audit_key").stat().st_mode
    broken(settings)
    told = found()[subject][0]
    (Path(settings.DATA_DIR) / "uplift_audit_key").chmod(before)

    assert told[0] == state
    assert told[2]


def test_ready_is_a_process_whose_database_has_every_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_complete", [])
    assert Client().get("/readyz").json() == {"status": "ok"}

    monkeypatch.setattr(health, "_complete", [])
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = "
            "(SELECT max(id) FROM django_migrations WHERE app = 'optimizer_app')"
        )
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "1 migrations are missing"})
    assert Client().get("/healthz").status_code == 200


def test_a_pulse_comes_again(settings: Settings) -> None:
    pulse("x")
    first = Pulse.objects.get(name="x").at
    pulse("x")
    assert Pulse.objects.get(name="x").at > first


@pytest.mark.parametrize(
    ("version", "well"),
    [
        ((3, 40, 1), False),
        ((3, 44, 6), True),
        ((3, 46, 1), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
    ],
)
def test_an_sqlite_that_may_lose_commits_is_named(version: tuple[int, ...], well: bool) -> None:
    assert (doctor._sqlite(version).state == "well") == well
