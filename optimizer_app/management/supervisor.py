"""Run processes together: start, restart, stop; and leave none behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from optimizer_app.common.processes import die_with_parent

QUICK_DEATH_S = 30  # a process that lived shorter is restarted with growing delay
LONGEST_DELAY_S = 30


@dataclass
class Child:
    """A process to keep running. `orphan_signal` is what it gets when the supervisor is killed."""

    name: str
    command: Sequence[str]
    orphan_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0
    not_before: float = 0.0

    def start(self) -> None:
        # A session of its own: Ctrl-C must reach only the supervisor, which then stops its children in order.
        self.process = subprocess.Popen(  # noqa: S603 - the commands are our own
            self.command, start_new_session=True, preexec_fn=lambda: die_with_parent(self.orphan_signal)
        )
        self.started = time.monotonic()

    def stop(self, grace_s: float) -> None:
        """End the process and everything it started."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Supervisor:
    """Keeps its children running until told to stop. Stops them in reverse order."""

    children: list[Child]
    say: Callable[[str], None]
    grace_s: float = 5.0
    stopping: Event = field(default_factory=Event)

    def run(self, ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Start everything; returns when a signal arrives. `on_ready` is called once `ready` holds."""
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, lambda *_: self.stopping.set())
        try:
            for child in self.children:
                child.start()
            announced = False
            while not self.stopping.wait(0.2):
                if not announced and ready():
                    announced = True
                    on_ready()
                for child in self.children:
                    self._revive(child)
        finally:
            for child in reversed(self.children):
                child.stop(self.grace_s)

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None or child.process.poll() is None:
            return
        if not child.not_before:
            quick = now - child.started < QUICK_DEATH_S
            child.quick_deaths = child.quick_deaths + 1 if quick else 0
            delay = min(LONGEST_DELAY_S, 2**child.quick_deaths) if quick else 0
            child.not_before = now + delay
            self.say(f"The {child.name} process ended with code {child.process.returncode}; restarting in {delay} s.")
        if now >= child.not_before:
            child.not_before = 0.0
            child.start()
