"""What an execution measured, as small as it can be: written by ingest, absorbed by statistics and detectors."""

import zlib
from collections.abc import Iterable

import msgspec


class Measure(msgspec.Struct, array_like=True, frozen=True):
    """One execution's numbers. `worker` and `version` are ids, 0 for no version; `at` is in seconds since 1970.

    `sign` is -1 where a correction takes back what was counted before; a measure with the new numbers follows it.
    """

    worker: int
    version: int
    at: float
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    success: bool
    error_kind: str
    path: str
    score: float | None
    sign: int = 1


_DECODER = msgspec.msgpack.Decoder(list[Measure])


def pack(measures: Iterable[Measure]) -> bytes:
    """Measures as bytes, about 40 each."""
    return zlib.compress(msgspec.msgpack.encode(list(measures)), 1)


def unpack(raw: bytes) -> list[Measure]:
    """What `pack` wrote, in its order."""
    return _DECODER.decode(zlib.decompress(raw))
