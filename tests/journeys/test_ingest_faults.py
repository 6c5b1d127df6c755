"""Accepted means stored: whatever is killed right after the answer, what was acknowledged is there afterwards, once."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from tests.factories.workers import routing_program
from tests.journeys.api import Api
from tests.journeys.cluster import Cluster
from tests.journeys.installation import Installation

pytestmark = pytest.mark.journey
BATCH, SENDERS = 50, 3


def rows() -> list[dict[str, Any]]:
    return [
        {
            "id": str(uuid4()), "worker": "Routing", "started_at": "2026-11-01T12:00:00Z",
            "inputs": {"message": "where is my parcel"}, "outputs": {"team": "K3"}, "metadata": {"n": number},
        }
        for number in range(BATCH)
    ]  # fmt: skip


class Sender(threading.Thread):
    """Sends until the server is gone and remembers what was acknowledged."""

    def __init__(self, installation: Installation, token: str) -> None:
        super().__init__(daemon=True)
        self.url, self.token = f"{installation.url}/api/v1/executions", token
        self.acknowledged: list[str] = []
        self.sent: list[dict[str, Any]] = []

    def run(self) -> None:
        while True:
            batch = rows()
            try:
                answer = self.post(batch)
            except (URLError, OSError, ValueError):
                return
            if answer is not None:
                assert answer["accepted"] == BATCH
                self.acknowledged += [row["id"] for row in batch]
                self.sent += batch

    def post(self, batch: list[dict[str, Any]]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            with urlopen(Request(self.url, json.dumps(batch).encode(), headers), timeout=20) as response:
                return json.load(response)
        except URLError as error:
            if getattr(error, "code", None) in (429, 503):
                time.sleep(0.05)
                return None
            raise


def load(installation: Installation, api: Api, until: int) -> list[Sender]:
    """Senders at work, once they have had at least so many rows acknowledged."""
    token = installation.command("create_token", "--name", "sdk", "--scope", "record")
    api("POST", "/workers/register", {"name": "Routing", "program": routing_program()})
    senders = [Sender(installation, token) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    deadline = time.monotonic() + 60
    while sum(len(sender.acknowledged) for sender in senders) < until:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return senders


def check(installation: Installation, api: Api, senders: list[Sender]) -> None:
    """Everything acknowledged is there; sending it all again adds nothing."""
    for sender in senders:
        sender.join(30)
    acknowledged = [uid for sender in senders for uid in sender.acknowledged]
    before = api("GET", "/executions/count")["count"]
    assert before >= len(acknowledged)
    for sender in senders:
        for start in range(0, len(sender.sent), 500):
            while (answer := sender.post(sender.sent[start : start + 500])) is None:
                pass
            assert (answer["accepted"], answer["errors"]) == (0, [])
    assert api("GET", "/executions/count")["count"] == before
    assert api("GET", "/executions?tag=n%3D7")["items"]


def test_kill_9_of_everything_loses_nothing_acknowledged(install: Callable[..., Installation]) -> None:
    installation = install()
    api = Api(installation)
    senders = load(installation, api, until=2_000)
    for pid in installation.processes():
        os.kill(pid, signal.SIGKILL)
    assert installation.process is not None
    installation.process.wait()
    installation.start()

    check(installation, api, senders)


def test_kill_9_of_postgresql_loses_nothing_acknowledged(
    install: Callable[..., Installation], cluster: Cluster
) -> None:
    installation = install(environment={"DATABASE_URL": cluster.url})
    api = Api(installation)
    senders = load(installation, api, until=2_000)
    cluster.kill()
    time.sleep(0.5)
    for pid in installation.processes():
        os.kill(pid, signal.SIGKILL)
    cluster.start()
    assert installation.process is not None
    installation.process.wait()
    installation.start()

    check(installation, api, senders)
