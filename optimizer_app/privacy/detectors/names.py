"""Names of people, without a model: by the words around them and by common given names.

A list of about 400 given names in European, Arabic and Asian use and a set of phrases find what they can; a surname
alone in running text is not found, and the page that shows a policy says so.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from optimizer_app.privacy.spans import Span

GIVEN = frozenset(Path(__file__).with_name("given_names.txt").read_text(encoding="utf-8").split())

_PART = r"[^\W\d_a-zß-öø-ÿ][^\W\d_]*(?:['’-][^\W\d_]+)*"  # begins with a capital, in any script that has them
_PARTICLE = r"(?:van|von|der|den|de|da|di|del|la|le|bin|ibn|al|el|dos|zu)"
_GAP = r"[ \t\u00a0]+"
_NEXT = rf"{_GAP}(?:{_PARTICLE}{_GAP}){{0,2}}(?:[A-Z]\.[ ]?)?{_PART}"
_FULL = rf"{_PART}(?:{_NEXT}){{0,2}}"
_LEAD = re.compile(
    rf"""(?:
      \b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Herr|Frau|Hr|Fr|Mme|Mlle|Monsieur|Madame|Señora?|Sra?|Signora?|Dott|Doña?)\.?\s+
    | \b(?i:my\s+name\s+is|name's|mein\s+name\s+ist|ich\s+hei(?:ß|ss)e|je\s+m'appelle|me\s+llamo|mi\s+chiamo
        |i\s+am\s+called|called|named|signed(?:\s+by)?,?|customer|kunde|client|patient|employee|colleague|attn\.?:?|name:)\s+
    )(?P<name>{_FULL})""",
    re.VERBOSE,
)
_GREETED = re.compile(
    rf"(?:^|[\n.!?]\s*)(?:Dear|Hi|Hello|Hey|Hallo|Liebe[r]?|Bonjour|Hola|Ciao)\s+(?P<name>{_FULL})\s*[,!:\n]"
)
_SIGNED = re.compile(
    rf"(?i:regards|sincerely|cheers|thanks|thank\s+you|best\s+wishes|yours|gr(?:ü|u|ue)(?:ß|ss)en?|cordialement|saludos|saluti)"
    rf"[,!.]?\s*\n+\s*(?P<name>{_FULL})\s*(?:$|\n)"
)
_SPEAKING = re.compile(rf"(?i:this\s+is|i'?m|i\s+am|ich\s+bin|je\s+suis|soy|sono|here\s+is|it's)\s+(?P<name>{_FULL})")
_KNOWN = re.compile(rf"(?<![\w@.])(?P<given>{_PART})(?P<rest>(?:{_NEXT}){{1,2}})")
# Capitalised words that stand where names stand but are none.
_NOT_NAMES = frozenset(Path(__file__).with_name("no_names.txt").read_text(encoding="utf-8").split())


# What each pattern begins with, in small letters: a text without any of them is spared the pattern.
_TITLES = (
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "herr", "frau", "hr", "fr", "mme", "mlle", "monsieur",
    "madame",
    "sr", "sra", "señor", "signor", "dott", "doñ", "name", "heiß", "heiss", "m'app", "llamo", "chiamo", "called",
    "signed", "customer", "kunde", "client", "patient", "employee", "colleague", "attn",
)  # fmt: skip
_GREETINGS = ("dear", "hi ", "hello", "hey", "hallo", "liebe", "bonjour", "hola", "ciao")
_CLOSINGS = ("regards", "sincerely", "cheers", "thank", "wishes", "yours", "gr", "cordialement", "salu")
_CAPITAL = re.compile(_PART)


def find(text: str) -> Iterator[Span]:
    """Names after a title or a phrase, in greetings and signatures; common given names with a surname."""
    lowered = text.lower()
    for pattern, words in ((_LEAD, _TITLES), (_GREETED, _GREETINGS), (_SIGNED, _CLOSINGS)):
        if any(word in lowered for word in words):
            for match in pattern.finditer(text):
                yield from _span(text, *match.span("name"))
    if GIVEN.isdisjoint(word.casefold() for word in _CAPITAL.findall(text)):
        return
    for match in _SPEAKING.finditer(text):
        if match["name"].split()[0].casefold() in GIVEN:
            yield from _span(text, *match.span("name"))
    for match in _KNOWN.finditer(text):
        if match["given"].casefold() in GIVEN and match["rest"].split()[-1] not in _NOT_NAMES:
            yield from _span(text, *match.span())


def _span(text: str, start: int, end: int) -> Iterator[Span]:
    """The name without words at its end or beginning that are none."""
    words = list(re.finditer(r"\S+", text[start:end]))
    while words and words[-1][0].rstrip(",.") in _NOT_NAMES:
        words.pop()
    while words and words[0][0].rstrip(".").lower() in _TITLES:
        words.pop(0)
    if words and words[0][0] not in _NOT_NAMES:
        yield Span(start + words[0].start(), start + words[-1].end(), "name")
