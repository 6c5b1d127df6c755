"""All detectors over one text."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from optimizer_app.privacy.detectors import contact, names, network, numbers, secrets
from optimizer_app.privacy.spans import KINDS, Kind, Span, without_overlaps

_DIGITS = re.compile(r"\d(?:\D{0,3}\d){4}|:[0-9A-Fa-f]{0,4}:")
_TELLING_BYTES = b"0123456789:@"
_TELLING_WORDS = (*contact.SPELLED_AT, *secrets.TELLING)
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
PATTERN_TIMEOUT_S = 0.1  # a person's pattern may backtrack without end; a text it cannot finish is dropped


class PatternTooSlowError(Exception):
    """A custom pattern did not finish on a text. The message names the pattern."""


def find(text: str, kinds: Collection[Kind] = frozenset(KINDS), custom: Mapping[str, str] | None = None) -> list[Span]:
    """Personal data in a text, in reading order, without overlaps. Raises PatternTooSlowError."""
    plain, places = _normal(text)
    spans = [span for span in _all(plain) if span.kind in kinds]
    if custom:
        spans += _custom(plain, custom)
    if not spans:
        return []
    if places is not None:
        spans = [Span(places[s.start], places[s.end - 1] + 1, s.kind) for s in spans]
    return without_overlaps(spans)


def may_hold(text: str) -> bool:
    """False when the detectors would certainly find nothing: most texts, for a tenth of the detectors' time."""
    raw = text.encode(errors="surrogatepass")
    lowered = text.lower()
    return (
        lowered != text
        or len(raw) != len(text)
        or len(raw.translate(None, _TELLING_BYTES)) != len(raw)
        or any(word in lowered for word in _TELLING_WORDS)
    )


def check_pattern(pattern: str) -> str:
    """What is wrong with a custom pattern, or nothing."""
    import regex  # 8 MB in every process, and few have patterns of their own

    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        return f"not a regular expression: {error}"
    return "it matches the empty text" if compiled.match("") else ""


def _all(text: str) -> Iterator[Span]:
    lowered = text.lower()
    if has_digits := _DIGITS.search(text) is not None:
        yield from numbers.find(text)
        yield from contact.phones(text)
    if "@" in text or any(word in lowered for word in contact.SPELLED_AT):
        yield from contact.emails(text)
    if has_digits or "://" in text:
        yield from network.find(text)
    if any(word in lowered for word in secrets.TELLING):
        yield from secrets.find(text)
    if lowered != text:  # names begin with a capital
        yield from names.find(text)


def _custom(text: str, patterns: Mapping[str, str]) -> Iterator[Span]:
    import regex

    for name, pattern in patterns.items():
        try:
            for match in regex.finditer(pattern, text, timeout=PATTERN_TIMEOUT_S):
                if match.end() > match.start():
                    yield Span(match.start(), match.end(), "custom")
        except TimeoutError:
            raise PatternTooSlowError(f"The pattern “{name}” took longer than {PATTERN_TIMEOUT_S} s.") from None


def _normal(text: str) -> tuple[str, list[int] | None]:
    """The text with full-width and invisible characters as people read them, and each character's place before."""
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and _INVISIBLE.isdisjoint(text)):
        return text, None
    made: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character in _INVISIBLE:
            continue
        for part in unicodedata.normalize("NFKC", character):
            made.append(part)
            places.append(place)
    return "".join(made), places
