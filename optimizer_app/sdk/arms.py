"""Which of two versions answers a caller: decided by who asks, so that nobody is switched to and fro."""

import hashlib


def in_canary(canary: int, share: float, caller: str) -> bool:
    """Whether the version on trial answers. The same caller always gets the same answer within one canary; callers are
    spread evenly, and anew by every canary."""
    drawn = hashlib.blake2b(f"{canary}:{caller}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < share * 2**64
