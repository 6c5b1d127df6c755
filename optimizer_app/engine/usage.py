"""What calls cost: tokens and money, by role, counted where each call ends."""

import threading
from typing import Any

import msgspec


class Usage(msgspec.Struct):
    """Totals of a set of calls. `cost_usd` is None as soon as one paid call had no price.

    A cached call costs nothing; what it would have cost is kept in `saved_usd`.
    """

    calls: int = 0
    cached_calls: int = 0
    failed_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0
    saved_usd: float = 0.0

    def add(self, other: "Usage") -> None:
        """Add another total to this one."""
        self.calls += other.calls
        self.cached_calls += other.cached_calls
        self.failed_calls += other.failed_calls
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.saved_usd += other.saved_usd
        both_priced = self.cost_usd is not None and other.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if both_priced else None

    def to_data(self) -> dict[str, Any]:
        """The totals as JSON data."""
        return dict(msgspec.to_builtins(self))


class Ledger:
    """Adds up usage: overall, by role, and for the example that the calling thread is working on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()
        self.total = Usage()
        self.roles: dict[str, Usage] = {}

    def add(self, usage: Usage, role: str = "task") -> None:
        with self._lock:
            self.total.add(usage)
            self.roles.setdefault(role, Usage()).add(usage)
        if (open_usage := getattr(self._local, "usage", None)) is not None:
            open_usage.add(usage)

    def open(self) -> Usage:
        """Start a count of this thread's calls and return it; it grows until the next `open`."""
        self._local.usage = Usage()
        usage: Usage = self._local.usage
        return usage

    def snapshot(self) -> dict[str, Any]:
        """The total, with what each role used under "roles"."""
        with self._lock:
            return {**self.total.to_data(), "roles": {role: usage.to_data() for role, usage in self.roles.items()}}

    def __deepcopy__(self, memo: object) -> "Ledger":
        return self  # copies of a language model share the run's ledger
