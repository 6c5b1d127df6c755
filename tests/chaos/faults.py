"""Single faults. Each does its harm and, where nothing else would, makes good what an operator would."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from optimizer_app.jobs import PROMPT, UPKEEP
from tests.chaos.stage import Stage
from tests.journeys.installation import ROOT

HOLD_S = 3.0


def kill(stage: Stage, *words: str) -> None:
    """kill -9 of every process whose command has all the words."""
    found = [set(stage.installation.processes(word)) for word in words]
    for pid in set.intersection(*found):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def web(stage: Stage) -> None:
    kill(stage, "granian")


def worker(stage: Stage) -> None:
    kill(stage, "celery", "--autoscale")


def scheduler(stage: Stage) -> None:
    kill(stage, "celery", UPKEEP)


def everything(stage: Stage) -> None:
    for pid in stage.installation.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert stage.installation.process
    stage.installation.process.wait()
    stage.installation.start()


def postgresql(stage: Stage) -> None:
    assert stage.cluster
    stage.cluster.kill()
    time.sleep(0.5)
    stage.cluster.start()


def redis(stage: Stage) -> None:
    assert stage.redis
    stage.redis.kill()
    time.sleep(0.5)
    stage.redis.start()


def lost_messages(stage: Stage) -> None:
    assert stage.redis
    stage.redis.lose_messages()


def lost_messages_of_the_embedded_broker(stage: Stage) -> None:
    with sqlite3.connect(stage.installation.folder / "data" / "broker.sqlite3", timeout=20) as broker:
        broker.execute("DELETE FROM message")


def doubled_messages(stage: Stage) -> None:
    """Every run is asked for five times more, ended or not."""
    script = (
        "from celery import current_app; from optimizer_app import jobs; from optimizer_app.models import Run\n"
        "for pk in 5 * list(Run.objects.values_list('pk', flat=True)):\n"
        "    current_app.send_task(jobs.RUN_EXECUTE, kwargs={'run_id': pk})"
    )
    with suppress(subprocess.CalledProcessError):  # the broker may be the one that was just killed
        stage.installation.command("shell", "-v0", "-c", script)


@contextmanager
def another_scheduler(stage: Stage, *before: str) -> Iterator[None]:
    name = f"second-{time.time_ns()}@%h"
    command = [
        *before, sys.executable, "-m", "celery", "-A", "optimizer_app.celery", "--quiet", "worker",
        "--queues", ",".join(PROMPT), "--pool", "threads", "--hostname", name, "--loglevel", "ERROR",
    ]  # fmt: skip
    with (stage.installation.folder / "second.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=stage.installation.variables(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def two_schedulers(stage: Stage) -> None:
    with another_scheduler(stage):
        time.sleep(3 * HOLD_S)


def clock_jump(stage: Stage) -> None:
    """A scheduler whose clock is an hour ahead: every lease looks dead to it."""
    program = shutil.which("faketime")
    assert program, "faketime is not installed (Debian package: faketime)."
    with another_scheduler(stage, program, "-f", "+1h"):
        time.sleep(3 * HOLD_S)


def locked_sqlite(stage: Stage) -> None:
    with sqlite3.connect(stage.installation.folder / "data" / "uplift.sqlite3", timeout=20) as held:
        held.execute("BEGIN IMMEDIATE")
        time.sleep(HOLD_S)
        held.rollback()


def slow_model(stage: Stage) -> None:
    stage.lm.delays["steady"] = 0.5
    time.sleep(HOLD_S)
    stage.lm.delays["steady"] = 0.01


def flapping_model(stage: Stage) -> None:
    for _ in range(5):
        stage.lm.failing.add("steady")
        time.sleep(0.2)
        stage.lm.failing.clear()
        time.sleep(0.2)


Fault = Callable[[Stage], None]
ANYWHERE: list[Fault] = [
    web, worker, scheduler, everything, doubled_messages, two_schedulers, slow_model, flapping_model, clock_jump
]  # fmt: skip
SERVERS: list[Fault] = [postgresql, redis, lost_messages]
EMBEDDED: list[Fault] = [locked_sqlite, lost_messages_of_the_embedded_broker]


def drawn(stage: Stage, rounds: int, seed: int) -> Iterator[Fault]:
    """As many as wanted, each as often as every other, in an order that the seed decides."""
    faults = ANYWHERE + (SERVERS if stage.cluster else EMBEDDED)
    order = random.Random(seed)
    left: list[Fault] = []
    for _ in range(rounds):
        left = left or order.sample(faults, len(faults))
        yield left.pop()
