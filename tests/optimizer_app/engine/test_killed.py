"""Kill -9 in the middle of every optimizer: resumed, it makes the same choices and pays at most what was in flight."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from optimizer_app.engine.gate import Gate
from optimizer_app.engine.lms import Connection
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.runner import RunSpec
from tests.optimizer_app.engine.loopback import Server, serving
from tests.optimizer_app.engine.runs import BUILT_IN, execute, spec
from tests.optimizer_app.engine.test_runner import SMALL

THREADS = 4


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def spec_of(workdir: Path, optimizer: str, url: str) -> RunSpec:
    """Over HTTP, so that calls can be counted outside; models that are trained run in the process."""
    remote = Connection("Remote", "openai/plain", api_base=url, api_key="k", price_in=1.0, price_out=1.0, retries=0)
    connection = BUILT_IN if optimizers()[optimizer].finetunes else remote
    return spec(workdir, optimizer=optimizer, parameters=SMALL[optimizer], threads=THREADS, connection=connection)


class Killer(Gate):
    """Kills its own process instead of the call with this number."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self._calls = count()
        self._last = last

    def check(self) -> None:
        super().check()
        if next(self._calls) >= self._last:
            os.kill(os.getpid(), signal.SIGKILL)


CHILD = """
import sys, django
django.setup()
from pathlib import Path
from tests.optimizer_app.engine.test_killed import Killer, execute, spec_of
execute(spec_of(Path(sys.argv[1]), sys.argv[2], sys.argv[3]), Killer(int(sys.argv[4])))
"""


@pytest.mark.parametrize("optimizer", list(optimizers()))
def test_a_killed_run_resumes_to_the_same_version(optimizer: str, server: Server, tmp_path: Path) -> None:
    undisturbed, _, free = execute(spec_of(tmp_path / "undisturbed", optimizer, server.url))
    whole = server.requests["plain"]
    assert undisturbed.winner is not None, undisturbed.message

    last = max(90, int(free.total.calls * 0.6))  # past the baseline: inside the search where there is one
    arguments = [str(tmp_path / "killed"), optimizer, server.url, str(last)]
    child = subprocess.run([sys.executable, "-c", CHILD, *arguments], check=False, timeout=120, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]

    resumed, _, ledger = execute(spec_of(tmp_path / "killed", optimizer, server.url))

    assert resumed.winner is not None, resumed.message
    assert resumed.winner.fingerprint == undisturbed.winner.fingerprint
    assert server.requests["plain"] - whole <= whole + THREADS
    if whole:
        assert ledger.total.cached_calls >= last - THREADS - 1
        assert (ledger.total.cost_usd or 0) < (free.total.cost_usd or 0)
