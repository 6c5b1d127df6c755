"""What stops a run: a gate that every language model call passes first."""

import threading
import time
from dataclasses import dataclass
from typing import Literal

import msgspec

from optimizer_app.engine.usage import Ledger

StopKind = Literal["stopped", "paused", "error", "lost", "budget"]
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Stop:
    """Why a run stops: by a person, for a pause, an error, its budget, or because another process took it over."""

    kind: StopKind
    message: str


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that baseline and search may use; None is without limit. Cached calls are free."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None


class RunStopped(BaseException):
    """Raised instead of a call once the gate is shut.

    Not an Exception: DSPy's optimizers, executors and callbacks swallow those almost everywhere and go on.
    """

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        super().__init__(stop.message)


class Gate:
    """Open until `shut`; then no further call begins, in any thread.

    The gate of a search stands inside the gate of its run: it is shut by its budget or with the outer one. A new
    gate for each, because threads that a stopped optimizer left behind must never find theirs open again.
    """

    def __init__(self, outer: "Gate | None" = None, budget: Budget | None = None) -> None:
        self._lock = threading.Lock()
        self._none_left = threading.Condition()
        self._in_flight = 0
        self._shut = threading.Event()
        self._outer = outer
        self._budget = budget or Budget()
        self._paid = 0
        self._failures = 0
        self._since = time.monotonic()
        self.stop: Stop | None = None

    def shut(self, stop: Stop) -> None:
        """Stop the run, or at its budget only the search. The first reason given is kept."""
        if self._outer and stop.kind != "budget":
            self._outer.shut(stop)
        with self._lock:
            self.stop = self.stop or stop
        self._shut.set()

    def check(self) -> None:
        """Raise RunStopped if this gate or the outer one is shut."""
        if self._outer:
            self._outer.check()
        if self._shut.is_set() and self.stop:
            raise RunStopped(self.stop)

    @property
    def stopped(self) -> Stop | None:
        """Why this gate or the outer one is shut; for code in which RunStopped may not be raised."""
        return self.stop or (self._outer.stop if self._outer else None)

    def begin(self, ledger: Ledger) -> None:
        """Pass before a call. Raises RunStopped instead of the call that would go over the budget."""
        self.check()
        with self._lock:
            spent = self._spent(ledger)
            self._paid += not spent
        if spent:
            self.shut(Stop("budget", spent))
            self.check()
        with self._none_left:
            self._in_flight += 1

    def end(self) -> None:
        """A call that passed `begin` is over, however it went."""
        with self._none_left:
            self._in_flight -= 1
            self._none_left.notify_all()

    def drain(self, seconds: float) -> None:
        """Wait until no call is in flight, at most so long: their cost is not in the ledger before."""
        with self._none_left:
            self._none_left.wait_for(lambda: not self._in_flight, seconds)

    def refund(self) -> None:
        """The call was answered by the cache, so it does not count."""
        with self._lock:
            self._paid -= 1

    def sleep(self, seconds: float) -> None:
        """Wait, but wake within a moment when the gate is shut."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._shut.wait(min(left, LOOK_EVERY_S))
            self.check()

    def record(self, *, failed: bool) -> int:
        """Count failed calls in a row; returns the count."""
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            return self._failures

    def _spent(self, ledger: Ledger) -> str:
        budget = self._budget
        if budget.calls is not None and self._paid >= budget.calls:
            return f"The budget of {budget.calls:,} calls was reached."
        tokens = ledger.total.tokens_in + ledger.total.tokens_out
        if budget.tokens is not None and tokens >= budget.tokens:
            return f"The budget of {budget.tokens:,} tokens was reached."
        if budget.usd is not None and (ledger.total.cost_usd or 0.0) >= budget.usd:
            return f"The budget of ${budget.usd:,.2f} was reached."
        if budget.minutes is not None and time.monotonic() - self._since >= budget.minutes * 60:
            return f"The budget of {budget.minutes:g} minutes was reached."
        return ""

    def __deepcopy__(self, memo: object) -> "Gate":
        return self  # copies of a language model share the run's gate
