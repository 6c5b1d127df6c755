"""An installation with executions cuts them into months while it takes in more."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.chaos.load import Client
from tests.journeys.installation import ROOT, Installation

pytestmark = pytest.mark.journey
BEFORE = """
from tests.factories.executions import record, recorded
from tests.factories.workers import routing_worker
worker = routing_worker()
recorded(worker, *(record(worker, metadata={"tenant": "north"}) for _ in range(2000)))
"""
BROKEN_OFF = """
from optimizer_app.common.sql import sql
from optimizer_app.services.partitioning import partition_tidy
sql("ALTER TABLE optimizer_app_execution ADD CONSTRAINT optimizer_app_execution_end CHECK (id < 0) NOT VALID")
partition_tidy()
"""
COUNT = """
from optimizer_app.models import Execution, ExecutionTag
from optimizer_app.services.partitions import parts
print(Execution.objects.count(), ExecutionTag.objects.count(), len(parts()))
"""


class Sender(threading.Thread):
    """Sends batches, each of them twice, until stopped; keeps what was acknowledged."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self.client, self.stopping = client, threading.Event()
        self.sent: list[list[dict[str, Any]]] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            rows = [
                {"id": str(uuid4()), "worker": "Routing 1", "started_at": now, "inputs": {"message": "hello"},
                 "outputs": {"team": "K1"}, "metadata": {"tenant": "south"}}
                for _ in range(20)
            ]  # fmt: skip
            for _ in range(2):
                answer = self.client("POST", "/executions", {"executions": rows})
                assert answer["accepted"] + answer["duplicates"] == 20, answer
            self.sent.append(rows)


@pytest.fixture
def installation(tmp_path: Path, postgres_url: str) -> Iterator[Installation]:
    """On PostgreSQL, with executions that the release before took in."""
    installation = Installation(tmp_path / "i", {"DATABASE_URL": postgres_url})
    installation.folder.mkdir()
    installation.command("migrate", "-v0", "optimizer_app", "0008")
    installation.command("migrate", "-v0", "analytics")
    installation.command("shell", "-v0", "-c", BEFORE)
    yield installation.start()
    installation.stop()


def test_executions_are_cut_into_months_beside_writers(installation: Installation) -> None:
    client = Client(installation, installation.command("create_token", "--name", "t", "--scope", "record"))

    def count() -> list[int]:
        return [int(word) for word in installation.command("shell", "-v0", "-c", COUNT).split()]

    assert count()[2] == 0, "a database with executions is left as it is"
    installation.command("shell", "-v0", "-c", BROKEN_OFF)  # upkeep tidies up, else nothing could be sent now
    sender = Sender(client)
    sender.start()
    broken_off = subprocess.Popen(
        [sys.executable, "manage.py", "partition"], cwd=ROOT, env=installation.variables(), stdout=subprocess.PIPE
    )
    assert broken_off.stdout
    broken_off.stdout.readline()
    broken_off.kill()
    broken_off.wait()
    said = installation.command("partition")
    assert "optimizer_app_executiontag is partitioned by month." in said
    time.sleep(1)
    sender.stopping.set()
    sender.join(30)
    acknowledged = [row for batch in sender.sent for row in batch]
    assert len(acknowledged) > 100
    for batch in sender.sent:
        assert client("POST", "/executions", {"executions": batch})["duplicates"] == 20
    executions, tags, parts = count()
    assert executions == tags == 2000 + len(acknowledged)
    assert parts >= 4
    assert "broken" not in installation.command("integrity", "--bodies")
    assert installation.command("partition").strip() == ""
