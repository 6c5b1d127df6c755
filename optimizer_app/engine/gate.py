"""What stops a run: a gate that every language model call passes first."""

import threading
from dataclasses import dataclass
from typing import Literal

StopKind = Literal["stopped", "error", "lost"]


@dataclass(frozen=True)
class Stop:
    """Why a run stops: by a person, for an error, or because another process took it over."""

    kind: StopKind
    message: str


class RunStopped(BaseException):
    """Raised instead of a call once the gate is shut.

    Not an Exception: DSPy's optimizers, executors and callbacks swallow those almost everywhere and go on.
    """


class Gate:
    """Open until `shut`; then no further call begins, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shut = threading.Event()
        self.stop: Stop | None = None
        self.failures = 0

    def shut(self, stop: Stop) -> None:
        """Stop the run. The first reason given is kept."""
        with self._lock:
            self.stop = self.stop or stop
        self._shut.set()

    def check(self) -> None:
        """Raise RunStopped if the gate is shut."""
        if self._shut.is_set():
            raise RunStopped(self.stop)

    def sleep(self, seconds: float) -> None:
        """Wait, but wake at once when the gate is shut."""
        self._shut.wait(seconds)
        self.check()

    def record(self, *, failed: bool) -> int:
        """Count failed calls in a row; returns the count."""
        with self._lock:
            self.failures = self.failures + 1 if failed else 0
            return self.failures

    def __deepcopy__(self, memo: object) -> "Gate":
        return self  # copies of a language model share the run's gate
