"""The chaos suite in short; in full: `python -m tests.chaos --rounds 200`. Several hosts, and a disk that is full."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.workers import working
from tests.chaos.__main__ import rounds_of
from tests.chaos.load import Client
from tests.chaos.stage import Stage, staged
from tests.factories.workers import routing_program
from tests.journeys.installation import Installation

pytestmark = pytest.mark.journey
ROUNDS = 4


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Iterator[Stage]:
    """An installation on a PostgreSQL and a Redis of its own."""
    with staged(tmp_path_factory.mktemp("chaos") / "stage", programs) as made:
        yield made


def test_nothing_promised_is_lost_doubled_or_stuck_under_faults(stage: Stage) -> None:
    assert sum(rounds_of(stage, ROUNDS, seed=5).values()) == ROUNDS


def test_hosts_that_share_database_broker_and_keys_alone_run_side_by_side(stage: Stage) -> None:
    stage.lm.delays["steady"] = 0.05
    at_once, statuses, deadline = 0, ["queued"], time.monotonic() + 120
    with working(stage, hosts=2):
        runs = [stage.client("POST", "/runs", stage.order | {"seed": 100 + number})["id"] for number in range(3)]
        while {"queued", "running"} & set(statuses):
            assert time.monotonic() < deadline, statuses
            statuses = [stage.client("GET", f"/runs/{run}")["status"] for run in runs]
            at_once = max(at_once, statuses.count("running"))
            time.sleep(0.1)

    assert statuses == ["succeeded"] * len(runs)
    assert at_once == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that holds 60 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("A file system cannot be mounted here (it takes root).")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def batch(start: int) -> list[dict[str, object]]:
    return [
        {
            "id": f"00000000-0000-4000-8000-{start + n:012d}", "worker": "Routing",
            "started_at": "2026-11-20T12:00:00Z",
            "inputs": {"message": f"{start + n} " * 40}, "outputs": {"team": "K3"},
        }
        for n in range(100)
    ]  # fmt: skip


def test_a_full_disk_refuses_in_words_and_loses_nothing_accepted(
    install: Callable[..., Installation], small_disk: Path
) -> None:
    environment = {"UPLIFT_DATA_DIR": str(small_disk / "data"), "UPLIFT_INGEST_RATE": "0"}
    installation = install(environment=environment)
    client = Client(installation, installation.command("create_token", "--name", "t", "--scope", "record", "read"))
    client("POST", "/workers/register", {"name": "Routing", "program": routing_program()})
    accepted, refused = 0, 0
    ballast = small_disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 100_000)
    for number in range(200):
        try:
            accepted += client("POST", "/executions", {"executions": batch(100 * number)})["accepted"]
        except OSError:  # 503: said to be tried again; anything else fails here
            refused += 1
            if refused > 3:
                break
    assert refused, "the disk never was full"

    ballast.unlink()
    assert client("POST", "/executions", {"executions": batch(900_000)})["accepted"] == 100
    assert client("GET", "/executions/count")["count"] == accepted + 100
    assert "broken" not in installation.command("integrity", "--bodies")
    assert "whole" in installation.command("verify_audit")
