"""What is told, whichever way it goes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """`key` is the same in every attempt; `thread` that of the incident, so that all word of it stays together.
    `severity` is "critical" or "info". `link` may be empty where the address of this installation is not known."""

    key: str
    thread: str
    event: str
    severity: str
    title: str
    text: str
    link: str
    facts: dict[str, str]


class SendError(Exception):
    """It did not arrive. `permanent` when sending it again cannot help."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent
