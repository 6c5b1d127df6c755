"""Replace personal data in one record: the same value, and the same person, gets the same placeholder throughout."""

import re
from typing import Any

from optimizer_app.privacy.detection import find, may_hold
from optimizer_app.privacy.policy import FieldRule, Policy
from optimizer_app.privacy.spans import PLACEHOLDERS, Kind

DROPPED = "[DROPPED]"
_NAME_FIELD = re.compile(
    r"(?i)(?:^|_)(?:(?:first|last|full|given|family|sur|customer|user|client|patient)_?name|surname)$"
)
_LONG_NUMBER = 10_000_000  # as a phone, card or account number may arrive
_SHORTEST_NAME = 3


class Redactor:
    """Redacts one record: its fields share the numbering of the placeholders. `found` counts by kind."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.found: dict[Kind, int] = {}
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._people: dict[str, int] = {}

    def values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Field values under the policy: captured, redacted or dropped, field by field."""
        if self._nothing_to_do(values):
            return values
        return {name: self._field(name, value) for name, value in values.items()}

    def text(self, text: str) -> str:
        """One text that belongs to no field, such as an error message: under the rule for fields that are not named."""
        return str(self._field("", text))

    def parts(self, text: str) -> list[tuple[str, str, Kind | None]]:
        """A text in its order: (as it is, what stands there instead, kind); what stays has no kind."""
        made: list[tuple[str, str, Kind | None]] = []
        at = 0
        for span in find(text, self.policy.kinds, self.policy.patterns):
            found = text[span.start : span.end]
            made += [
                (text[at : span.start], text[at : span.start], None),
                (found, self._placeholder(found, span.kind), span.kind),
            ]
            at = span.end
        return [*made, (text[at:], text[at:], None)]

    def again(self, values: dict[str, Any]) -> dict[str, Any]:
        """Names that were found in one place of the record are replaced in the others too."""
        if not self._people:
            return values
        longest_first = sorted(map(re.escape, self._people), key=len, reverse=True)
        known = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")

        def replace(text: str) -> str:
            return known.sub(self._known, text)

        return {
            name: _map(value, replace) if self.policy.rule(name, value) == "redact" else value
            for name, value in values.items()
        }

    def _nothing_to_do(self, values: dict[str, Any]) -> bool:
        """Whether one look at all texts together shows that every field stays as it is."""
        policy = self.policy
        if policy.default == "drop" or policy.patterns or "drop" in policy.fields.values():
            return False
        if any(not isinstance(value, str) or _NAME_FIELD.search(name) for name, value in values.items()):
            return False
        searched = (value for name, value in values.items() if policy.rule(name, value) == "redact")
        return not may_hold("\n".join(searched))

    def _field(self, name: str, value: Any) -> Any:
        rule: FieldRule = self.policy.rule(name, value)
        if rule == "capture":
            return value
        if rule == "drop":
            return DROPPED
        if isinstance(value, str) and "name" in self.policy.kinds and _NAME_FIELD.search(name) and value.strip():
            return self._person(value)
        return _map(value, self._text)

    def _text(self, text: str) -> str:
        return "".join(after for _, after, _ in self.parts(text))

    def _placeholder(self, value: str, kind: Kind) -> str:
        if kind == "name":
            return self._person(value)
        self.found[kind] = self.found.get(kind, 0) + 1
        key = (kind, value.casefold() if kind == "email" else re.sub(r"[\s().-]", "", value))
        number = self._numbers.setdefault(key, sum(known == kind for known, _ in self._numbers) + 1)
        return f"[{PLACEHOLDERS[kind]}_{number}]"

    def _person(self, value: str) -> str:
        """“Maria Keller”, “Mrs Keller” and “Maria” are one person."""
        self.found["name"] = self.found.get("name", 0) + 1
        parts = [part for part in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", value) if len(part) >= _SHORTEST_NAME]
        parts = [part for part in parts if not part.islower()] or [value]
        number = next((self._people[part] for part in parts if part in self._people), None)
        if number is None:
            number = max(self._people.values(), default=0) + 1
        for part in parts:
            self._people.setdefault(part, number)
        return f"[{PLACEHOLDERS['name']}_{number}]"

    def _known(self, match: re.Match[str]) -> str:
        return f"[{PLACEHOLDERS['name']}_{self._people[match[0]]}]"


def _map(value: Any, change: Any) -> Any:
    """Change every text in a JSON value, keys too; long whole numbers are looked at as texts."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _map(item, change) for key, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LONG_NUMBER:
        changed = change(str(value))
        return value if changed == str(value) else changed
    return value
