"""Texts that say almost the same, among up to 100,000 of them, in seconds.

MinHash over character shingles with locality-sensitive banding (Broder 1997; Leskovec, Rajaraman, Ullman, “Mining of
Massive Datasets”, ch. 3), each candidate pair then checked against its exact Jaccard similarity.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

SHINGLE = 5  # characters
BANDS, ROWS = 16, 4  # pairs of similarity 0.8 become candidates with probability 1 - (1 - 0.8^4)^16 = 0.9998
THRESHOLD = 0.8
MOST_IN_BUCKET = 50  # a bucket with more is a boilerplate phrase; only neighbours in it are compared
_PRIME = np.uint64((1 << 31) - 1)
_SPACE = re.compile(r"\W+")


def plain(text: str) -> str:
    """The text without case, punctuation and doubled spaces: what makes two texts the same to a reader."""
    return _SPACE.sub(" ", text.casefold()).strip()


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> list[int]:
    """For each text the number of its cluster; texts whose similarity reaches the threshold share one."""
    shingles = [_shingles(plain(text)) for text in texts]
    parent = list(range(len(texts)))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for band in _signatures(shingles):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for item, key in enumerate(band):
            buckets[key].append(item)
        for bucket in buckets.values():
            for place, one in enumerate(bucket[1:], start=1):
                for other in bucket[max(0, place - MOST_IN_BUCKET) : place]:
                    if root(one) != root(other) and _alike(shingles[one], shingles[other], threshold):
                        parent[root(one)] = root(other)
                        break
    return [root(item) for item in range(len(texts))]


def _shingles(text: str) -> np.ndarray:
    raw = text.encode()
    if len(raw) <= SHINGLE:
        return np.array([zlib.crc32(raw)], dtype=np.uint64)
    codes = np.frombuffer(raw, dtype=np.uint8).astype(np.uint64)
    value = np.zeros(len(codes) - SHINGLE + 1, dtype=np.uint64)
    for offset in range(SHINGLE):
        value = (value * np.uint64(257) + codes[offset : len(codes) - SHINGLE + 1 + offset]) % _PRIME
    return np.unique(value)


def _signatures(shingles: Sequence[np.ndarray]) -> list[list[bytes]]:
    """For each band, the key of every text."""
    draw = np.random.default_rng(1)
    factor = draw.integers(1, int(_PRIME), BANDS * ROWS, dtype=np.uint64)[:, None]
    shift = draw.integers(0, int(_PRIME), BANDS * ROWS, dtype=np.uint64)[:, None]
    bands: list[list[bytes]] = [[] for _ in range(BANDS)]
    for values in shingles:
        smallest = ((factor * values[None, :] + shift) % _PRIME).min(axis=1).astype(np.uint32)
        for band in range(BANDS):
            bands[band].append(smallest[band * ROWS : (band + 1) * ROWS].tobytes())
    return bands


def _alike(one: np.ndarray, other: np.ndarray, threshold: float) -> bool:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared >= threshold * (len(one) + len(other) - shared)
