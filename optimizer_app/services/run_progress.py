"""Carry a run's progress to its row: many threads report, one thread writes, twice a second."""

import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from optimizer_app.engine.gate import Gate, Stop
from optimizer_app.engine.usage import Ledger
from optimizer_app.models import Candidate, Run, RunLogLine

if TYPE_CHECKING:  # the web process imports this module and does without DSPy
    from optimizer_app.engine.progress import Candidate as ScoredState

EVERY_S = 0.4
# DSPy's executor hands over between two threads more often than every 5 ms, Python's default, and so starved the
# reporter: 10 turns in 6 s with the built-in model, against 58 with this.
SWITCH_S = 0.001
# one statement for all: beside a busy thread every statement waits for Python's lock several times
SCORED = [
    "full_score", "full_examples", "minibatch_score", "minibatch_examples", "example_scores", "parents", "calls",
    "cost_usd", "scored_at",
]  # fmt: skip


class RunReporter:
    """The engine's Reporter. Also keeps the lease alive and shuts the gate when someone asks or takes over."""

    def __init__(self, run: Run, gate: Gate, ledger: Ledger) -> None:
        self._run = run
        self._gate = gate
        self._ledger = ledger
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"run-{run.pk}", daemon=True)
        self._progress: dict[str, Any] = {"phase": "Starting", "done": 0, "low": 0, "high": 0}
        if earlier := run.progress.get("earlier"):
            self._progress["earlier"] = earlier
        self._lines: list[tuple[datetime, str, str]] = []
        self._candidates: dict[str, ScoredState] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._costs: dict[str, float | None] = {}
        self._minibatches: dict[str, ScoredState] = {}
        self._fresh: set[str] = set()
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> "RunReporter":
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        sys.setswitchinterval(self._interval)

    def phase(self, text: str) -> None:
        with self._lock:
            self._progress["phase"] = text

    def work(self, low: int, high: int) -> None:
        with self._lock:
            self._progress |= {"low": low, "high": high}

    def program_call(self) -> None:
        with self._lock:
            self._progress["done"] += 1

    def candidate(self, candidate: "ScoredState") -> None:
        with self._lock:
            scores = self._candidates if candidate.full else self._minibatches
            scores[candidate.fingerprint] = candidate
            if candidate.parents:
                self._parents[candidate.fingerprint] = candidate.parents
            self._costs[candidate.fingerprint] = self._ledger.total.cost_usd
            self._numbers.setdefault(candidate.fingerprint, len(self._numbers))
            self._fresh.add(candidate.fingerprint)

    def log(self, level: str, text: str) -> None:
        with self._lock:
            # PostgreSQL stores no zero characters, and a model may answer anything
            self._lines.append((timezone.now(), level, text.replace("\0", "")))

    def snapshot(self) -> dict[str, Any]:
        """Progress and usage as the page shows them."""
        with self._lock:
            return {**self._progress, "usage": self._ledger.snapshot()}

    def _beat(self) -> None:
        try:
            while not self._done.wait(EVERY_S):
                self._write()
            self._write()
        except Exception as error:
            self._gate.shut(Stop("error", f"Progress could not be written: {error}"))
            raise
        finally:
            connections.close_all()

    def _write(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
            fresh, self._fresh = self._fresh, set()
        with transaction.atomic():
            held = Run.objects.filter(pk=self._run.pk, lease=self._run.lease, status__in=Run.ACTIVE)
            if not held.update(heartbeat_at=timezone.now(), progress=self.snapshot(), revision=F("revision") + 1):
                self._gate.shut(Stop("lost", "Another process took the run over."))
                return
            RunLogLine.objects.bulk_create(
                RunLogLine(run=self._run, at=at, level=level, text=text) for at, level, text in lines
            )
            if fresh:
                Candidate.objects.bulk_create(
                    [self._candidate_row(fingerprint) for fingerprint in sorted(fresh, key=self._numbers.__getitem__)],
                    update_conflicts=True,
                    unique_fields=["run", "fingerprint"],
                    update_fields=SCORED,
                )
        row = Run.objects.values("status", "message").get(pk=self._run.pk)
        if row["status"] == Run.Status.CANCELLING:
            self._gate.shut(Stop("stopped", row["message"]))
        if row["status"] == Run.Status.PAUSING:
            self._gate.shut(Stop("paused", row["message"]))

    def _candidate_row(self, fingerprint: str) -> Candidate:
        full, part = self._candidates.get(fingerprint), self._minibatches.get(fingerprint)
        shown = full or part
        assert shown is not None, "a fresh candidate was scored"
        return Candidate(
            run=self._run,
            fingerprint=fingerprint,
            number=self._numbers[fingerprint],
            state=shown.state,
            full_score=full.score if full else None,
            full_examples=full.examples if full else None,
            minibatch_score=part.score if part else None,
            minibatch_examples=part.examples if part else None,
            example_scores=list(full.by_example) if full else [],
            parents=[self._numbers[p] for p in self._parents.get(fingerprint, ()) if p in self._numbers],
            calls=shown.calls,
            cost_usd=self._costs[fingerprint],
            scored_at=timezone.now(),
        )
