"""Stretches of text that look like a date, an amount, a code, a name; and how values stand in a text."""

import re

from optimizer_app.engine.offline.text import stem, words

MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
KINDS: dict[str, re.Pattern[str]] = {
    "date": re.compile(
        r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"
        rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTH})\.?,?(?:\s+\d{{4}})?"
        rf"|(?:{MONTH})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?)\b",
        re.IGNORECASE,
    ),
    "email": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\w\b"),
    "url": re.compile(r"\bhttps?://\S+\b"),
    "code": re.compile(r"\b(?=[A-Z0-9-]*\d)[A-Z0-9]{2,}(?:-[A-Z0-9]+)*\b"),
    "money": re.compile(
        r"(?:[$€£]\s?\d[\d,]*(?:\.\d+)?|\b\d[\d,]*(?:\.\d+)?\s?(?:USD|EUR|GBP|dollars|euros|pounds)\b)",
        re.IGNORECASE,
    ),
    "number": re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\w])"),
    "name": re.compile(r"\b[A-Z][A-Za-z&'-]+(?![A-Za-z&'-]*\d)(?:\s+(?:of |and |& |the |de |van )?[A-Z][A-Za-z&'-]+)*"),
}
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LEFT_CHARS, RIGHT_CHARS = 45, 30  # how far the words around a value are read

Span = tuple[int, int, str]


def find(kind: str, text: str) -> list[Span]:
    """Every stretch of `text` that looks like `kind`: (start, end, text)."""
    return [(match.start(), match.end(), match.group(0)) for match in KINDS[kind].finditer(text)]


def number_of(text: str) -> float | None:
    """The first number in a text, thousands separators removed."""
    match = re.search(r"-?\d[\d,]*(?:\.\d+)?", text)
    return float(match.group(0).replace(",", "")) if match else None


def iso_date(text: str) -> str | None:
    """A date in any of the forms above as yyyy-mm-dd; day before month where both are possible."""
    text = text.strip()
    if ISO_DATE.fullmatch(text):
        return text
    if match := re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{2,4})", text):
        day, month, year = (int(part) for part in match.groups())
        if month > 12:
            day, month = month, day
        return f"{year + 2000 if year < 100 else year:04d}-{month:02d}-{day:02d}"
    named = re.search(rf"({MONTH})", text, re.IGNORECASE)
    numbers = [int(part) for part in re.findall(r"\d+", text)]
    year = next((number for number in numbers if number > 31), 0)
    if not named or not year:
        return None
    day = next((number for number in numbers if number <= 31), 1)
    return f"{year:04d}-{MONTH_NAMES.index(named[1][:3].lower()) + 1:02d}-{day:02d}"


def locate(source: str, value: str) -> tuple[int, int] | None:
    """Where a value, perhaps rewritten (ISO date, plain number), stands in its source."""
    position = source.find(value)
    if value and position >= 0:
        return position, position + len(value)
    if ISO_DATE.fullmatch(value):
        return next(((s, e) for s, e, found in find("date", source) if iso_date(found) == value), None)
    if re.fullmatch(r"-?[\d.,]+", value):
        wanted = number_of(value)
        return next(((s, e) for s, e, found in find("number", source) if number_of(found) == wanted), None)
    return None


def surroundings(text: str, start: int, end: int) -> set[str]:
    """Stems near a span, marked l: (left), r: (right) and n: (next to it on the left)."""
    left = [stem(word) for word in words(text[max(0, start - LEFT_CHARS) : start])][-4:]
    right = [stem(word) for word in words(text[end : end + RIGHT_CHARS])][:2]
    return {f"l:{w}" for w in left} | {f"r:{w}" for w in right} | {f"n:{w}" for w in left[-1:]}
