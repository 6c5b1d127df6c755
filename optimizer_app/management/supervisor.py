"""Run processes together: start, restart, stop; and leave none behind.

A program of its own, of the standard library alone: `manage.py start` becomes it once all is prepared, and 160 MB of
Django and of what the demo loaded are given back.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any, NoReturn

from optimizer_app.common.processes import die_with_parent

QUICK_DEATH_S = 30  # a process that lived shorter is restarted with growing delay
LONGEST_DELAY_S = 30


@dataclass
class Child:
    """A process to keep running. `orphan_signal` is what it gets when the supervisor is killed, `health` where it
    answers GET /healthz, if it does."""

    name: str
    command: Sequence[str]
    orphan_signal: int = signal.SIGTERM
    health: tuple[str, int] | None = None
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

    def answers(self) -> bool:
        """Whether it is there to be used. Spoken by hand: an HTTP library would be half of this program's memory."""
        if self.health is None:
            return True
        try:
            with socket.create_connection((self.health[0], self.health[1]), timeout=2) as asked:
                asked.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return b" 200 " in asked.recv(64)
        except OSError:
            return False

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

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start everything; returns when a signal arrives. `on_ready` is called once all answer."""
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, lambda *_: self.stopping.set())
        try:
            for child in self.children:
                child.start()
            announced = False
            while not self.stopping.wait(0.2):
                if not announced and all(child.answers() for child in self.children):
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


def supervise(children: Sequence[Child], greeting: str) -> NoReturn:
    """Become the supervisor of these: the same process, another program. What it reads comes through a pipe, because a
    greeting may hold a password and others see arguments and variables."""
    told = json.dumps({"children": [_plain(child) for child in children], "greeting": greeting}).encode()
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    os.write(writing, told)
    os.close(writing)
    os.execv(sys.executable, [sys.executable, "-m", __name__, str(reading)])  # noqa: S606 - ourselves


def _plain(child: Child) -> dict[str, Any]:
    return {name: getattr(child, name) for name in ("name", "command", "orphan_signal", "health")}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(pipe: int) -> None:
    """What `supervise` starts."""
    with os.fdopen(pipe, "rb") as file:
        told = json.load(file)
    supervisor = Supervisor([Child(**child) for child in told["children"]], say=_say)
    supervisor.run(on_ready=lambda: _say(told["greeting"]))
    _say("Stopped. A run that was under way resumes at the next start.")


if __name__ == "__main__":
    main(int(sys.argv[1]))
