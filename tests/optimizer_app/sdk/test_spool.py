"""What was recorded arrives: after crashes, across processes, without a server, within the bound."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.sdk.collecting import Collector
from optimizer_app.sdk.payload import ExecutionRecord, FeedbackRecord
from optimizer_app.sdk.spool import Spool
from optimizer_app.sdk.transports import FileTransport, Kind, RefusedError, Registration, UnavailableError

START = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Recorder:
    """A far side that may be away, or refuse."""

    def __init__(self) -> None:
        self.lines: list[tuple[Kind, bytes]] = []
        self.away = False
        self.refuses = b"\0"

    def send(self, kind: Kind, lines: list[bytes]) -> list[str]:
        if self.away:
            raise UnavailableError("away", 0.01)
        if any(self.refuses in line for line in lines):
            raise RefusedError("400 not this")
        self.lines += [(kind, line) for line in lines]
        return []

    def register(self, registration: Registration) -> None:
        """Not asked here."""

    def active(self, name: str, known: str) -> None:
        """None."""

    def close(self) -> None:
        """Nothing is open."""


def execution(message: str = "x") -> ExecutionRecord:
    return ExecutionRecord(id=uuid4(), worker="w", started_at=START, inputs={"message": message})


def test_records_wait_for_the_server_and_keep_their_order(tmp_path: Path) -> None:
    far = Recorder()
    far.away = True
    collector = Collector(far, tmp_path, refresh_s=0.05)
    sent = [execution(str(number)) for number in range(1200)]
    for record in sent:
        collector.record("executions", record)
    collector.record("feedback", FeedbackRecord(id=uuid4(), execution_id=sent[0].id, score=1))
    assert not collector.flush(0.3)
    assert collector.last_error == "away"
    far.away = False

    assert collector.flush(10)
    assert [kind for kind, _ in far.lines] == ["executions"] * 1200 + ["feedback"]
    assert [json.loads(line)["id"] for _, line in far.lines[:-1]] == [str(record.id) for record in sent]
    collector.close(0)
    assert list(tmp_path.glob("*.spool")) == []


def test_the_next_process_sends_what_a_killed_one_left(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
from tests.optimizer_app.sdk.test_spool import Recorder, execution
from optimizer_app.sdk.collecting import Collector
far = Recorder(); far.away = True
collector = Collector(far, Path({str(tmp_path)!r}))
for number in range(500): collector.record("executions", execution(str(number)))
print("recorded", flush=True); time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "recorded\n"
    living = Recorder()
    other = Collector(living, tmp_path, refresh_s=0.05)
    other.start()
    time.sleep(0.3)
    assert living.lines == []  # the segment of a living process is left alone
    os.kill(child.pid, signal.SIGKILL)
    child.wait()

    deadline = time.monotonic() + 10
    while len(living.lines) < 500 and time.monotonic() < deadline:
        time.sleep(0.02)
    other.close(1)
    assert len(living.lines) == 500
    assert list(tmp_path.glob("*.spool")) == []


def test_a_torn_last_line_costs_that_line_only(tmp_path: Path) -> None:
    (tmp_path / "1-1.spool").write_bytes(b'e{"id": 1}\ne{"id": 2}\ne{"i')
    far = Recorder()
    collector = Collector(far, tmp_path, refresh_s=0.05)

    collector.start()
    deadline = time.monotonic() + 5
    while collector.dropped == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    collector.close(1)

    assert far.lines == [("executions", b'{"id": 1}'), ("executions", b'{"id": 2}')]
    assert collector.dropped == 1


def test_the_bound_holds_and_the_rest_is_counted(tmp_path: Path) -> None:
    far = Recorder()
    far.away = True
    collector = Collector(far, tmp_path, spool_mb=1)
    for _ in range(300):
        collector.record("executions", execution("x" * 10_000))

    kept = sum(path.stat().st_size for path in tmp_path.glob("*.spool"))
    assert kept <= 1024 * 1024
    assert collector.dropped == 300 - kept // 10_100 > 190
    collector.close(0)


def test_one_refused_record_does_not_hold_up_the_others(tmp_path: Path) -> None:
    far = Recorder()
    far.refuses = b"poison"
    collector = Collector(far, tmp_path, refresh_s=0.05)
    for number in range(20):
        collector.record("executions", execution("poison" if number == 7 else "fine"))

    assert collector.flush(10)
    assert (len(far.lines), collector.refused) == (19, 1)
    collector.close(0)


def test_a_forked_child_records_on_its_own(tmp_path: Path) -> None:
    far = Recorder()
    far.away = True
    collector = Collector(far, tmp_path)
    collector.record("executions", execution())
    child = os.fork()
    if child == 0:
        collector.after_fork()
        collector.record("executions", execution())
        os._exit(0 if collector.spool.waiting < 300 else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert len(list(tmp_path.glob("*.spool"))) == 2
    collector.close(0)


def test_the_sdk_loads_neither_django_nor_celery() -> None:
    script = (
        "import sys; from optimizer_app import sdk; sdk.dspy_worker_optimized, sdk.feedback, sdk.configure;"
        "print([name for name in ('django', 'celery', 'kombu', 'ninja') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_takes_records_as_lines(tmp_path: Path) -> None:
    collector = Collector(FileTransport(tmp_path / "out.jsonl"), tmp_path / "spool", refresh_s=0.05)
    collector.record("executions", execution("a"))
    collector.record("feedback", FeedbackRecord(id=uuid4(), execution_id=uuid4(), score=1))
    assert collector.flush(5)
    collector.close(0)

    assert json.loads((tmp_path / "out.jsonl").read_text())["worker"]
    assert json.loads((tmp_path / "out.jsonl.feedback").read_text())["score"] == 1


@given(
    st.lists(st.binary(min_size=1, max_size=40).filter(lambda line: b"\n" not in line), max_size=40), st.integers(1, 60)
)
def test_everything_appended_is_taken_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], at_once: int
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), 1_000_000)
    taken: list[bytes] = []
    for number, line in enumerate(lines):
        spool.append(line + b"\n")
        if number % 3 == 0 and (found := spool.take(at_once)):
            taken += found[0]
            spool.settle(found[1], found[2])
    while found := spool.take(at_once):
        taken += found[0]
        spool.settle(found[1], found[2])

    assert taken == lines
    assert (spool.waiting, spool.dropped) == (0, 0)
    spool.close()
