"""Ids of executions and feedback: UUIDs of version 7 (RFC 9562), which begin with the time they were made."""

import os
import time
from uuid import UUID

_FIXED = 7 << 76 | 2 << 62  # version and variant
_RANDOM = ((1 << 76) - 1) & ~(3 << 62)


def new_id() -> UUID:
    """48 bits of milliseconds, 74 random ones. An index of ids grows at its end, not all over: docs/capacity.md."""
    return UUID(int=time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big") & _RANDOM | _FIXED)
