"""The tutorial docs/tutorials/production-loop, step by step: nothing is lost and no process is restarted."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.api import Api
from tests.journeys.installation import ROOT, Installation, free_port
from tests.journeys.test_main_story import look

pytestmark = pytest.mark.journey
TUTORIAL = ROOT / "docs" / "tutorials" / "production-loop"
KEYS = {"1": ("invoice", "payment", "refund", "discount"), "2": ("password", "login", "account", "username")}
CORRECTED = 30


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Callable[..., "Script"]]:
    """A function that runs a script of the tutorial; all are stopped at the end."""
    started: list[Script] = []

    def run(name: str, *arguments: str, **environment: str) -> Script:
        started.append(Script(tmp_path / f"{name}.log", name, arguments, environment))
        return started[-1]

    yield run
    for script in started:
        script.process.kill()
        script.process.wait()


class Script:
    """A running script and what it has said."""

    def __init__(self, log: Path, name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(TUTORIAL / name), *arguments],
                env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def says(self, words: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)


def kill(installation: Installation) -> None:
    """Everything, at once."""
    for pid in installation.processes():
        os.kill(pid, signal.SIGKILL)
    assert installation.process is not None
    installation.process.wait()


def correct(page: Page, dataset_url: str) -> None:
    page.goto(dataset_url)
    page.get_by_role("link", name=re.compile("Review")).click()
    look(page, "review")
    for number in range(CORRECTED):
        expect(page.get_by_text(f"{number} approved")).to_be_visible()
        message = page.locator(".up-asked").inner_text().lower()
        key = next((key for key, words in KEYS.items() if any(word in message for word in words)), "3")
        page.keyboard.press(key)
    expect(page.get_by_text(f"{CORRECTED} approved")).to_be_visible()


def optimize_and_promote(page: Page, installation: Installation, worker: int, dataset_url: str) -> None:
    page.goto(dataset_url)
    page.get_by_role("link", name="Freeze a version").click()
    page.get_by_role("button", name="Freeze the version").click()
    expect(page.get_by_text("is frozen")).to_be_visible()
    page.goto(f"{installation.url}/workers/{worker}/optimize/")
    expect(page.locator("[name=optimizer]:checked")).to_have_value("BootstrapFewShotWithRandomSearch")
    page.get_by_role("button", name="Launch the run").click()
    expect(page.get_by_role("link", name="Before and after")).to_be_visible(timeout=180_000)
    page.get_by_role("link", name="Before and after").click()
    look(page, "loop-result")
    expect(page.get_by_text("The winner is better")).to_be_visible()
    page.get_by_role("button", name=re.compile("Promote")).click()
    expect(page.get_by_text("is active: it answers calls from now on")).to_be_visible()


def test_from_production_calls_to_a_better_version(
    install: Callable[..., Installation],
    sign_in: Callable[[Installation], Page],
    scripts: Callable[..., Script],
    tmp_path: Path,
) -> None:
    installation = install()
    api = Api(installation)
    token = installation.command("create_token", "--name", "triage", "--scope", "record")
    port = str(free_port())
    scripts("model.py", "--port", port).says("A language model answers")
    place = {"UPLIFT_URL": installation.url, "UPLIFT_TOKEN": token, "UPLIFT_SPOOL_DIR": str(tmp_path / "spool")}
    worker = scripts("triage.py", "--model", f"http://127.0.0.1:{port}/v1", **place, UPLIFT_REFRESH_S="1")

    for calls in (100, 300):
        worker.says(f"{calls} calls")
        kill(installation)
        time.sleep(1)
        installation.start()
    worker.says("version 0 answers")
    deadline = time.monotonic() + 60
    while (stored := api("GET", "/executions/count?worker=Message+triage")["count"]) < 500:
        assert time.monotonic() < deadline, stored
        time.sleep(0.5)

    page = sign_in(installation)
    page.goto(f"{installation.url}/executions/?worker=Message+triage")
    look(page, "executions")
    (worker_id,) = (w["id"] for w in api("GET", "/workers")["items"] if w["name"] == "Message triage")
    dataset = next(d for d in api("GET", "/datasets")["items"] if d["name"] == "Message triage examples")
    correct(page, f"{installation.url}/datasets/{dataset['id']}/")
    optimize_and_promote(page, installation, worker_id, f"{installation.url}/datasets/{dataset['id']}/")
    worker.says("version 1 answers", 30)
