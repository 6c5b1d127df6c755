"""E-mail addresses and phone numbers."""

import re
from collections.abc import Iterator

from optimizer_app.privacy.spans import Span

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}(?<!-)")
_SPELLED = re.compile(
    r"(?i)\b[\w.+-]{2,64}\s*(?:\[at\]|\(at\)|\{at\}|<at>|\s+at\s+)\s*(?!(?:the|a|an|this|that|my|your)\b)[\w-]{2,63}"
    r"(?:\s*(?:\[dot\]|\(dot\)|\{dot\}|<dot>|\s+dot\s+)\s*[\w-]{2,24})*"
    r"\s*(?:\[dot\]|\(dot\)|\{dot\}|<dot>|\s+dot\s+)\s*(?:com|org|net|info|edu|gov|io|eu|co|uk|de|fr|es|it|nl|ch|at|in|br|pl|se)\b"
)
_PHONE = re.compile(r"(?<![\w.,/+-])(?:\+|00)?\(?\d(?:[\s().\u2010-\u2015/-]{0,3}\d){6,14}(?![\w]|[.,/-]\d)")
_CUE = re.compile(
    r"(?i)(?:phone|tel|telephone|telefon|mobile|mobil|cell|call|ring|fax|whatsapp|text|sms|handy|number is|reach)\b"
    r"[^.!?\n]{0,25}$"
)
_ANTI = re.compile(
    r"(?i)(?:order|invoice|ticket|ref|reference|id|no|nr|account|tracking|serial|isbn|sku|case|card|policy|rechnung)"
    r"\b[\s:#.№-]{0,4}(?:number|no|nr)?[\s:#.]{0,3}$"
)
# Numbers without a country code are tried as numbers of these.
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "CH", "AT", "IN", "BR", "AU", "PL", "SE")
_SHORTEST = 7


SPELLED_AT = (" at ", "[at]", "(at)", "{at}", "<at>")


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also spelled out."""
    for pattern in (_EMAIL, _SPELLED):
        for match in pattern.finditer(text):
            yield Span(*match.span(), "email")


def phones(text: str) -> Iterator[Span]:
    """Phone numbers that a country's numbering plan allows."""
    for match in _PHONE.finditer(text):
        if _is_phone(text, match):
            yield Span(*match.span(), "phone")


def _is_phone(text: str, match: re.Match[str]) -> bool:
    raw = match[0]
    digits = sum(c.isdigit() for c in raw)
    if digits < _SHORTEST or _looks_like_date(raw):
        return False
    if raw.startswith(("+", "00")):
        return _valid("+" + raw.lstrip("+").removeprefix("00") if raw.startswith("00") else raw, None)
    before = text[max(0, match.start() - 40) : match.start()]
    if _ANTI.search(before):
        return False
    grouped = len(re.findall(r"\d+", raw)) >= 2
    if not _CUE.search(before) and not (
        grouped and (raw[0] in "(0" or re.fullmatch(r"\d{3}[-. ]\d{3}[-. ]\d{4}", raw))
    ):
        return False
    return any(_valid(raw, region) for region in _REGIONS)


def _valid(raw: str, region: str | None) -> bool:
    import phonenumbers  # 15 MB, and few texts hold digits that may be a number

    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number) and (
        phonenumbers.is_valid_number(number) or (region == "US" and _fictional(raw))
    )


def _fictional(raw: str) -> bool:
    """Numbers of the kind 555-0123, which films and examples use."""
    return re.sub(r"\D", "", raw)[-7:-4] == "555"


def _looks_like_date(raw: str) -> bool:
    return (
        re.fullmatch(r"(?:19|20)\d\d[-/. ]?[01]?\d[-/. ]?[0-3]?\d|[0-3]?\d[-/.][01]?\d[-/.](?:19|20)?\d\d", raw)
        is not None
    )
