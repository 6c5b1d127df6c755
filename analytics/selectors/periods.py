"""The time that a page looks at, as its address says: ?period=7d, or ?from=2026-11-01&to=2026-11-14."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from analytics.models import Stat
from optimizer_app.common.problems import Refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Size = Stat.Size
STEPS = {Size.MINUTE: timedelta(minutes=1), Size.HOUR: HOUR, Size.DAY: DAY}
PRESETS = {"3h": 3 * HOUR, "24h": 24 * HOUR, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY, "365d": 365 * DAY}
DEFAULT = "7d"
LONGEST = 5 * 366 * DAY
EARLIEST, LATEST = 2000, 2100


@dataclass(frozen=True)
class Period:
    """From `start`, inclusive, to `end`, exclusive. `size` is that of the buckets that make it up exactly; `step`
    is that of its charts. Days are UTC days; the last may still be going on."""

    key: str
    start: datetime
    end: datetime
    size: str
    step: str

    @property
    def previous(self) -> "Period":
        """The time just before, as long: the same weekdays where it lasts whole weeks."""
        return Period("", self.start - (self.end - self.start), self.start, self.size, self.size)

    @property
    def last(self) -> datetime:
        """The last moment, for people."""
        return self.end - timedelta(seconds=1)

    @property
    def query(self) -> str:
        """What the address says."""
        if self.key in PRESETS:
            return f"period={self.key}"
        return f"from={self.start.date()}&to={self.last.date()}"


def period_of(asked: Mapping[str, str], default: str = DEFAULT) -> Period:
    """The period that a query string asks for. Raises Refused for one that cannot be read."""
    if asked.get("from") or asked.get("to"):
        return _between(asked.get("from", ""), asked.get("to", ""))
    key = asked.get("period") or default
    if key not in PRESETS:
        raise Refused(f"There is no period “{key[:20]}”; there are {', '.join(PRESETS)}, or from and to.")
    length = PRESETS[key]
    size = Size.MINUTE if length < DAY else Size.HOUR if length < 7 * DAY else Size.DAY
    end = floor(timezone.now(), size) + STEPS[size]
    return Period(key, end - length, end, size, Size.HOUR if key == "7d" else size)


def floor(moment: datetime, size: str) -> datetime:
    """The first moment of the bucket that a moment lies in."""
    seconds = STEPS[Size(size)].total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def _between(first: str, last: str) -> Period:
    today = timezone.now().astimezone(UTC).date()
    try:
        start = date.fromisoformat(first) if first else today - 6 * DAY
        end = (date.fromisoformat(last) if last else today) + DAY
    except (ValueError, OverflowError):
        raise Refused(f"“{(first or last)[:20]}” is no date like 2026-11-21.") from None
    opening, closing = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, end))
    if not (timedelta(0) < closing - opening <= LONGEST and EARLIEST <= opening.year <= LATEST):
        raise Refused("A period lasts from its first to its last day, at most five years, between 2000 and 2100.")
    return Period("", opening, closing, Size.DAY, Size.HOUR if closing - opening <= 7 * DAY else Size.DAY)
