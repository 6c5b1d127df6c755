"""`python -m tests.bench.workers [--runs N]`: runs a minute against the number of worker hosts.

A host is a worker with a data folder of its own, that shares PostgreSQL, Redis and the keys with the others and nothing
else. The language model answers after 100 ms, as one elsewhere would, so that what is measured is waiting, not this
machine's cores. Prints runs a minute for each number of hosts, and the ratio to one host.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.stage import Stage, staged
from tests.journeys.cluster import postgresql_programs
from tests.journeys.installation import ROOT

HOSTS = (1, 2, 4)
DELAY_S = 0.1
KEYS = ("UPLIFT_SECRET_KEY", "UPLIFT_ENCRYPTION_KEYS", "UPLIFT_AUDIT_KEY")


def host(stage: Stage, number: int) -> subprocess.Popen[bytes]:
    """A worker elsewhere."""
    data = stage.installation.folder / "data"
    keys = {name: (data / name.lower()).read_text() for name in KEYS}
    own = {"UPLIFT_DATA_DIR": str(stage.installation.folder / f"host{number}-{time.time_ns()}")}
    command = [sys.executable, "-m", "celery", "-A", "optimizer_app.celery", "--quiet", "worker", "--concurrency", "1",
               "--hostname", f"host{number}@%h", "--loglevel", "ERROR"]  # fmt: skip
    environment = stage.installation.variables() | keys | own
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)


@contextmanager
def working(stage: Stage, hosts: int) -> Iterator[None]:
    """So many hosts do all runs: the one that came with the stage takes no part meanwhile."""
    own = stage.installation.processes("--autoscale")
    for pid in own:
        os.kill(pid, signal.SIGSTOP)
    elsewhere = [host(stage, number) for number in range(hosts)]
    try:
        yield
    finally:
        for process in elsewhere:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pid in own:
            os.kill(pid, signal.SIGCONT)


def seconds_for(stage: Stage, hosts: int, runs: int) -> float:
    """From the first order to the last end."""
    with working(stage, hosts):
        time.sleep(8)  # until all have loaded
        began = time.monotonic()
        for seed in range(runs):
            stage.client("POST", "/runs", stage.order | {"seed": seed})
        while stage.client("GET", "/runs?limit=1000")["items"] and stage.facts()["open"]:
            time.sleep(0.5)
        return time.monotonic() - began


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--runs", type=int, default=12)
    options = asked.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        staged(Path(folder) / "workers" / "stage", postgresql_programs()) as stage,
    ):
        stage.lm.delays["steady"] = DELAY_S
        alone = 0.0
        for hosts in HOSTS:
            took = seconds_for(stage, hosts, options.runs)
            rate = 60 * options.runs / took
            alone = alone or rate
            sys.stdout.write(f"{hosts} hosts: {rate:.1f} runs a minute, {rate / alone:.2f} of one\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
