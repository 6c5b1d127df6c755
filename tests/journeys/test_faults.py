"""Processes are killed on purpose: no run is stuck, no call is paid twice, nothing is left running."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.load import plain_rows
from tests.factories.workers import routing_program
from tests.journeys.api import Api
from tests.journeys.installation import Installation
from tests.optimizer_app.engine.loopback import Server, serving

pytestmark = pytest.mark.journey
ENDED = ("succeeded", "failed", "cancelled")
MOST_MB = 400  # RSS, idle; 350 measured
MOST_GROWTH = 1.1


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def take_in(api: Api, count: int) -> None:
    for _ in range(count // 500):
        assert api("POST", "/executions", {"executions": plain_rows(500)})["accepted"] == 500


def gone(installation: Installation, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while installation.processes():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("victim", ["celery worker and its processes", "supervisor"])
def test_a_run_survives_kill_9_and_pays_no_call_twice(
    install: Callable[..., Installation], server: Server, victim: str
) -> None:
    installation = install()
    api = Api(installation)
    run = api.queue_run(server.url)
    while server.requests["steady"] < 40:
        time.sleep(0.02)

    if victim == "supervisor":
        assert installation.process is not None
        installation.process.kill()
        installation.process.wait()
        assert gone(installation), "killing the supervisor must leave nothing running"
        paid = server.requests["steady"]
        installation.start()
    else:
        for pid in installation.processes("celery"):
            if pid in installation.processes("worker"):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        paid = server.requests["steady"]

    found = api.wait_for(run, *ENDED)
    assert (found["status"], found["finish_reason"]) != ("failed", "error"), found["message"]
    usage = found["progress"]["usage"]
    in_flight = 4  # UPLIFT_RUN_THREADS
    assert usage["cached_calls"] >= paid - in_flight, "calls made before the kill come from the cache"
    assert server.requests["steady"] <= paid + usage["calls"] - usage["cached_calls"] + in_flight
    assert installation.healthy()


def test_stopping_over_the_api_stops_the_calls(install: Callable[..., Installation], server: Server) -> None:
    installation = install()
    api = Api(installation)
    run = api.queue_run(server.url)
    while server.requests["steady"] < 20:
        time.sleep(0.02)

    api("POST", f"/runs/{run}/stop")
    found = api.wait_for(run, *ENDED)

    assert (found["status"], found["finish_reason"]) == ("cancelled", "stopped")
    after = server.requests["steady"]
    time.sleep(1)
    assert server.requests["steady"] == after


def test_it_is_light_and_stays_so_and_ctrl_c_stops_everything(install: Callable[..., Installation]) -> None:
    installation = install(environment={"UPLIFT_INGEST_RATE": "0"})
    assert installation.process is not None
    api = Api(installation)
    api("POST", "/workers/register", {"name": "Routing", "program": routing_program()})
    assert installation.memory_mb()[0] < MOST_MB

    take_in(api, 10_000)
    warm = installation.memory_mb()[1]
    take_in(api, 40_000)
    assert installation.memory_mb()[1] < MOST_GROWTH * warm

    os.killpg(installation.process.pid, signal.SIGINT)

    assert installation.process.wait(30) == 0
    assert gone(installation)
    assert "Traceback" not in installation.log.read_text()


def test_a_killed_web_process_comes_back(install: Callable[..., Installation]) -> None:
    installation = install()

    for pid in installation.processes("granian"):
        os.kill(pid, signal.SIGKILL)

    deadline = time.monotonic() + 40
    while not installation.healthy():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_taken_port_is_said(install: Callable[..., Installation]) -> None:
    first = install()

    with pytest.raises(AssertionError, match=f"Port {first.port} cannot be used"):
        install(port=first.port)


def test_rabbitmq_carries_runs_too(install: Callable[..., Installation], rabbitmq_url: str) -> None:
    installation = install(environment={"BROKER_URL": rabbitmq_url})
    api = Api(installation)

    found = api.wait_for(api.queue_run(optimizer="BootstrapFewShot"), *ENDED)

    assert found["status"] == "succeeded", found["message"]


def test_the_demo_of_a_first_start_finishes_its_runs(install: Callable[..., Installation]) -> None:
    installation = install(anew=True, arguments=())
    api = Api(installation)

    finishes = [api.wait_for(run["id"], *ENDED)["finish_reason"] for run in api("GET", "/runs")["items"]]

    assert sorted(finishes) == ["improved", "improved", "no_improvement"]
