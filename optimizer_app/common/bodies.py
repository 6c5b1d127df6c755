"""Bodies of executions: compressed, then encrypted, as bytes. A kilobyte of text takes about 600 B."""

import zlib
from typing import Any

import msgspec

from optimizer_app.common.keyring import seal_bytes, unseal_bytes

CONTEXT = b"optimizer_app_execution.body"
LEVEL = 1  # the higher levels save 3 % more and take twice the time


class Body(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What went in, what came out, what went wrong."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    error: str = ""


def pack(body: Body) -> bytes:
    """The stored form, under the newest data key."""
    return seal_bytes(zlib.compress(msgspec.json.encode(body), LEVEL), CONTEXT)


def unpack(stored: bytes) -> Body:
    """The body. Raises keys.DecryptionError."""
    return msgspec.json.decode(zlib.decompress(unseal_bytes(stored, CONTEXT)), type=Body)
