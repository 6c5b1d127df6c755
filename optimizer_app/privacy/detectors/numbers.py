"""Numbers that prove themselves: cards, bank accounts, national ids. Checksums from python-stdnum."""

import re
from collections.abc import Callable, Iterator

from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn

from optimizer_app.privacy.spans import Kind, Span

_CARD = re.compile(r"(?<![\d.,-])(?:\d{4}(?:\.\d{4}){3}|\d(?:[ \u00a0\u2010-\u2015-]{0,2}\d){12,18})(?![\d]|[.,]\d)")
# in a look-ahead, because the words after one account may hold the next
_IBAN = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}))")
_CARD_STARTS = re.compile(r"4|5[0-8]|2[2-7]|3[04-9]|6[02457]")
_GAP = r"[ .\u00a0-]?"

# Forms whose shape says enough, and forms that need a word near them because shops number orders alike.
_SHAPED: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"), ssn.is_valid),
    (re.compile(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), cpf.is_valid),
    (re.compile(r"(?<!\w)[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z](?!\w)"), codicefiscale.is_valid),
    (re.compile(r"(?<!\w)\d{8}-?[A-Za-z](?!\w)"), dni.is_valid),
    (re.compile(r"(?<!\w)[XYZxyz]-?\d{7}-?[A-Za-z](?!\w)"), nie.is_valid),
    (re.compile(r"(?<!\w)[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d(?!\w)"), nir.is_valid),
    (re.compile(r"(?<!\w)\d{6}[-+]\d{4}(?!\w)"), personnummer.is_valid),
    (
        re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Za-z][A-CEGHJ-NPR-TW-Za-z] ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d](?!\w)"),
        lambda text: text[:2].upper() not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"),
    ),
)
_CUED: tuple[tuple[re.Pattern[str], re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (re.compile(rf"(?<!\w){digits}(?!\w)"), re.compile(rf"(?i)(?:{cue})(?:n[or]\.|[^.!?\n]){{0,30}}$"), valid)
    for digits, cue, valid in (
        (rf"\d{{2}}{_GAP}\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}}", r"steuer|idnr|tax id|identifikation", idnr.is_valid),
        (rf"\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}", r"aadhaar|uidai", aadhaar.is_valid),
        (rf"\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{4}}", r"nhs", nhs.is_valid),
        (r"\d{11}", r"pesel|cpf", lambda text: pesel.is_valid(text) or cpf.is_valid(text)),
        (rf"\d{{4}}{_GAP}\d{{2}}{_GAP}\d{{3}}|\d{{9}}", r"bsn|burgerservice", bsn.is_valid),
        (
            rf"\d{{3}}{_GAP}\d{{2}}{_GAP}\d{{4}}",
            r"ssn|social security",
            lambda text: ssn.is_valid(re.sub(r"\D", "", text)),
        ),
        (rf"\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}}", r"\bsin\b|social insurance", luhn.is_valid),
        (r"[A-Za-z]{0,2}\d{6,9}|[A-Za-z]\d{2}[A-Za-z0-9]{6}", r"passport|reisepass|ausweis", lambda text: True),
    )
)


def find(text: str) -> Iterator[Span]:
    """Cards, IBANs and national ids. Needs digits in the text to find anything."""
    for match in _IBAN.finditer(text):
        if end := _iban_end(match):
            yield Span(match.start(), end, "iban")
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _CARD_STARTS.match(digits) and len(set(digits)) > 1 and luhn.is_valid(digits):
            yield Span(*match.span(), "card")
    yield from _national_ids(text)


def _iban_end(match: re.Match[str]) -> int | None:
    """Where the account ends: words that follow are no part of it."""
    candidate = match[1]
    while len(re.sub(r"\W", "", candidate)) >= 15:
        if iban.is_valid(candidate, check_country=False):
            return match.start() + len(candidate)
        candidate = candidate[:-1].rstrip(" -")
    return None


def _national_ids(text: str) -> Iterator[Span]:
    kind: Kind = "national_id"
    for pattern, valid in _SHAPED:
        for match in pattern.finditer(text):
            if valid(match[0]):
                yield Span(*match.span(), kind)
    for pattern, cue, valid in _CUED:
        for match in pattern.finditer(text):
            if cue.search(text[max(0, match.start() - 50) : match.start()]) and valid(match[0]):
                yield Span(*match.span(), kind)
