"""What is told, whichever way it goes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One line of a small chart: `length` from 0 to 1."""

    label: str
    length: float
    value: str

    @property
    def percent(self) -> int:
        return round(100 * self.length)


@dataclass(frozen=True)
class Message:
    """`key` is the same in every attempt; `thread` that of the incident, so that all word of it stays together.
    `severity` is "critical", "warning" or "info". `link` may be empty where the address of this installation is not
    known. `course` is the chart that matters, drawn with what every mail program can show."""

    key: str
    thread: str
    event: str
    severity: str
    title: str
    text: str
    link: str
    facts: dict[str, str]
    course: tuple[Bar, ...] = ()


class SendError(Exception):
    """It did not arrive. `permanent` when sending it again cannot help."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent
