"""A backup beside running writers, a disaster, a restore: everything accepted before the backup is there and whole."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from tests.journeys.api import Api
from tests.journeys.installation import Installation

pytestmark = pytest.mark.journey


def execution() -> dict[str, object]:
    return {
        "id": str(uuid4()), "worker": "Routing", "started_at": datetime.now(UTC).isoformat(),
        "inputs": {"message": "hello"}, "outputs": {"team": "K1"}, "latency_ms": 5.0,
    }  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""


def test_what_was_accepted_before_a_backup_survives_a_disaster(
    install: Callable[..., Installation], database: str
) -> None:
    installation = install(environment={"DATABASE_URL": database} if database else {})
    api = Api(installation)
    api.wait_for(api.queue_run(), "succeeded")
    accepted, stop = [0], threading.Event()

    def write() -> None:
        while not stop.is_set():
            accepted[0] += api("POST", "/executions", {"executions": [execution() for _ in range(20)]})["accepted"]

    writer = threading.Thread(target=write)
    writer.start()
    while accepted[0] < 200:
        stop.wait(0.05)
    before = accepted[0]
    copy = installation.folder / "copy"
    installation.command("backup", str(copy))
    stop.set()
    writer.join()
    installation.stop()
    disaster(installation, database)

    installation.command("restore", str(copy))
    installation.command("migrate", "-v", "0")
    assert "broken" not in installation.command("integrity", "--bodies")
    installation.start()
    assert before <= api("GET", "/executions/count")["count"] <= accepted[0]


def disaster(installation: Installation, database: str) -> None:
    if database:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    else:
        for file in (installation.folder / "data").glob("uplift.sqlite3*"):
            file.unlink()
