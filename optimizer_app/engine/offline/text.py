"""Words, light stems, sparse features and cosine similarity."""

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise

WORD = re.compile(r"[A-Za-z][A-Za-z']*|\d+(?:[.,]\d+)*")
_STOP_TEXT = """
    a an the of to in on at by for from with without into onto over under about as is are was were be been being am
    do does did doing done have has had having i me my mine we us our you your he him his she her it its they them
    their this that these those there here and or but if then else so than too very can could will would shall
    should may might must not no nor only own same just also what which who whom whose when where why how all any
    both each few more most other some such s t don isn aren won ll ve re d m please hi hello hey get got getting go
    going want need like know tell let make made see say im i'm it's don't can't didn't isn't doesn't won't i've i'd
    i'll
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())
# (suffix, replacement), longest first: enough to join arrive, arrived, arrival and arriving.
SUFFIXES = (
    ("ations", "at"), ("ation", "at"), ("ments", ""), ("ment", ""), ("ivals", "iv"), ("ival", "iv"),
    ("nesses", ""), ("ness", ""), ("ingly", ""), ("edly", ""), ("ings", ""), ("ing", ""), ("ies", "y"),
    ("ied", "y"), ("ers", ""), ("ed", ""), ("er", ""), ("ly", ""), ("als", ""), ("al", ""), ("es", ""),
    ("s", ""), ("e", ""),
)  # fmt: skip
SHORTEST_STEM = 3


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The word without its commonest English endings."""
    word = word.lower().replace("'s", "").replace("'", "")
    if len(word) <= SHORTEST_STEM or word.isdigit():
        return word
    for suffix, replacement in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= SHORTEST_STEM:
            word = word[: -len(suffix)] + replacement
            break
    doubled = len(word) > SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiouls"
    return word[:-1] if doubled else word


@lru_cache(maxsize=50_000)
def words(text: str) -> tuple[str, ...]:
    """Lower-case words and numbers in order."""
    return tuple(match.group(0).lower() for match in WORD.finditer(text))


@lru_cache(maxsize=50_000)
def stems(text: str) -> tuple[str, ...]:
    """The stem of each word in order."""
    return tuple(stem(word) for word in words(text))


def content_stems(text: str) -> set[str]:
    """Stems of the words that are not stop words."""
    return {stem(word) for word in words(text) if word not in STOP_WORDS}


@lru_cache(maxsize=50_000)
def features(
    text: str, *, stemmed: bool, stop_weight: float, char_weight: float, pair_weight: float
) -> dict[str, float]:
    """Sparse weights of words, neighbouring word pairs and four-letter pieces of a text."""
    raw = words(text)
    tokens = [stem(word) if stemmed else word for word in raw]
    weights: dict[str, float] = {}

    def add(key: str, weight: float) -> None:
        if weight:
            weights[key] = weights.get(key, 0.0) + weight

    for word, token in zip(raw, tokens, strict=True):
        add("w:" + token, stop_weight if word in STOP_WORDS else 1.0)
    for left, right in pairwise(tokens):
        add(f"b:{left} {right}", pair_weight)
    if char_weight:
        for word in raw:
            if word not in STOP_WORDS and len(word) > SHORTEST_STEM:
                padded = f"^{word}$"
                for start in range(len(padded) - 3):
                    add("c:" + padded[start : start + 4], char_weight / 3)
    return {key: 1.0 + math.log(weight) if weight > 1 else weight for key, weight in weights.items()}


def inverse_frequency(documents: list[dict[str, float]]) -> dict[str, float]:
    """How telling each feature is: the fewer documents have it, the more."""
    counts = Counter(key for document in documents for key in document)
    return {key: math.log((len(documents) + 1) / (count + 0.5)) + 0.3 for key, count in counts.items()}


def cosine(a: dict[str, float], b: dict[str, float], idf: dict[str, float], power: float) -> float:
    """Cosine similarity of two feature sets, each feature weighted by `idf ** power`."""

    def weighted(document: dict[str, float]) -> dict[str, float]:
        return {key: value * idf.get(key, 1.0) ** power for key, value in document.items()}

    left, right = weighted(a), weighted(b)
    norm = math.sqrt(sum(v * v for v in left.values()) * sum(v * v for v in right.values()))
    return sum(v * right[key] for key, v in left.items() if key in right) / norm if norm else 0.0


def sentences(text: str) -> list[str]:
    """The sentences of a text; never empty."""
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9\"'«\[])|\n+", text.strip())
    return [part.strip() for part in parts if part.strip()] or [text.strip()]


def count_tokens(text: str) -> int:
    """A deterministic token estimate: one per five letters of a word, one per punctuation mark."""
    return sum(1 + (len(match.group(0)) - 1) // 5 for match in re.finditer(r"\w+|[^\w\s]", text))
