"""What detectors give: a kind of personal data and its place in a text."""

from typing import Literal, NamedTuple

Kind = Literal["secret", "url", "email", "iban", "card", "national_id", "ip", "phone", "name", "custom"]

# In the order in which they win where they overlap.
KINDS: dict[Kind, str] = {
    "custom": "Your own patterns",
    "url": "Addresses with secrets in them",
    "secret": "API keys, tokens, passwords",
    "email": "E-mail addresses",
    "iban": "Bank accounts (IBAN, checksum)",
    "card": "Payment cards (Luhn)",
    "national_id": "National ids (checksum or fixed form)",
    "ip": "IP addresses",
    "phone": "Phone numbers",
    "name": "Names of people, where words around them or common given names give them away",
}
PLACEHOLDERS: dict[Kind, str] = {
    "custom": "CUSTOM", "secret": "SECRET", "url": "URL", "email": "EMAIL", "iban": "IBAN", "card": "CARD",
    "national_id": "ID", "ip": "IP", "phone": "PHONE", "name": "PERSON",
}  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


class Span(NamedTuple):
    """`text[start:end]` is of the kind."""

    start: int
    end: int
    kind: Kind


def without_overlaps(spans: list[Span]) -> list[Span]:
    """In reading order; where spans overlap, the kind listed first in KINDS wins, then the longer one."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (_RANK[s.kind], s.start - s.end)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept)
