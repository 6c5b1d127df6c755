"""The whole loop: a worker slips, Uplift notices, optimizes, judges, promotes and goes on; or says it did not help."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Page

from tests.journeys.installation import ROOT, Installation, free_port

pytestmark = pytest.mark.journey


STEPS = ("1. Version", "3. Incident", "4. Run", "5. Put on trial", "6. Better")
FACTS = """
import json
from analytics.models import Delivery, Incident, TriggerDecision
from optimizer_app.models import Canary, Promotion, Run, Worker
worker = Worker.objects.get(name__startswith="Loop")
print(json.dumps({
    "runs": Run.objects.filter(worker=worker).count(),
    "promotions": list(Promotion.objects.filter(worker=worker).order_by("id").values_list("kind", flat=True)),
    "canaries": list(Canary.objects.filter(worker=worker).values_list("status", flat=True)),
    "decisions": sorted(TriggerDecision.objects.filter(worker=worker).values_list("outcome", flat=True)),
    "deliveries": sorted(set(Delivery.objects.values_list("status", flat=True))),
    "told": Delivery.objects.filter(status="sent").count(),
    "score": list(Incident.objects.filter(worker=worker, signal="score").values_list("status", flat=True)),
}))
"""


def test_a_decline_is_repaired_by_itself_although_scheduler_and_worker_are_killed_at_every_step(
    install: Callable[..., Installation], sign_in: Callable[..., Page]
) -> None:
    smtp = {"UPLIFT_SMTP_HOST": "127.0.0.1", "UPLIFT_SMTP_PORT": str(free_port()), "UPLIFT_SMTP_TLS": "0"}
    installation = install(environment=smtp)
    log = installation.folder / "demo.log"
    command = [sys.executable, "-u", "manage.py", "demo_loop", "--mail"]
    with log.open("wb") as file:
        story = subprocess.Popen(command, cwd=ROOT, env=installation.variables(), stdout=file, stderr=file)
    for step in STEPS:
        while step not in log.read_text() and story.poll() is None:
            time.sleep(0.05)
        for pid in installation.processes("celery"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert story.wait(300) == 0, log.read_text()

    said = log.read_text()
    assert "Webhook: Loop" in said
    assert "Mail: Loop" in said
    assert "score fell" in said
    assert "is resolved" in said
    told = json.loads(installation.command("shell", "-v", "0", "-c", FACTS).splitlines()[-1])
    assert (told["runs"], told["canaries"], told["score"]) == (2, ["promoted"], ["resolved"])
    assert told["promotions"] == ["initial", "promotion", "promotion"]
    assert [outcome for outcome in told["decisions"] if outcome != "not_now"] == ["on_trial", "promoted", "started"]
    assert "broken" not in installation.command("integrity", "--bodies")
    _look_at_it(sign_in(installation), installation)


def _look_at_it(page: Page, installation: Installation) -> None:
    """As the person does who watched."""
    page.get_by_role("link", name="Loop").first.click()
    page.get_by_role("link", name="Measures").click()
    page.get_by_role("heading", name="What happened").wait_for()
    assert page.get_by_text("Promoted").count() >= 2
    assert page.get_by_text("score fell").count() >= 1
    page.get_by_role("link", name="Triggers").click()
    assert page.get_by_text("Run started").count() == 1
    assert page.get_by_text("passed every check").count() == 1
    page.get_by_role("link", name="Canary").click()
    assert page.get_by_text("Better: promoted").count() == 1
    page.get_by_role("link", name="Value").first.click()
    page.goto(f"{installation.url}/incidents/?all=1")
    assert page.get_by_text("resolved").count() >= 1


def test_where_nothing_helps_nothing_is_promoted(install: Callable[..., Installation]) -> None:
    said = install().command("demo_loop", "--hopeless")

    assert "score fell" in said
    assert "Kept the active version" in said
    assert "stays open for a person" in said
