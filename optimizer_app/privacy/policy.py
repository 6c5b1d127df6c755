"""What is done with the fields of a worker's executions."""

from functools import cached_property
from typing import Any, Literal

import msgspec

from optimizer_app.privacy.detection import check_pattern
from optimizer_app.privacy.spans import KINDS, Kind

FieldRule = Literal["capture", "redact", "drop"]
RULES: dict[FieldRule, str] = {
    "redact": "Redact: replace personal data, keep the rest",
    "capture": "Capture: store as it is",
    "drop": "Drop: store nothing of it",
}
MOST_PATTERNS = 20


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """`default` holds for fields not named in `fields`. `off` are kinds that are left in place; `patterns` are a
    person's own regular expressions by name. `closed` gives the values that a field may hold: these are stored as they
    are, anything else in such a field is treated as in every other."""

    default: FieldRule = "redact"
    fields: dict[str, FieldRule] = {}
    off: tuple[Kind, ...] = ()
    patterns: dict[str, str] = {}
    closed: dict[str, tuple[str, ...]] = {}

    def rule(self, field: str, value: object = None) -> FieldRule:
        """What is done with a value of a field."""
        if field in self.fields:
            return self.fields[field]
        return "capture" if self._allowed(field, value) else self.default

    def _allowed(self, field: str, value: object) -> bool:
        allowed = self.closed.get(field)
        if allowed is None:
            return False
        return all(
            isinstance(item, bool) or item in allowed for item in (value if isinstance(value, list) else [value])
        )

    @cached_property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that are looked for."""
        return frozenset(KINDS) - frozenset(self.off)


def policy_problems(policy: Policy) -> list[str]:
    """Sentences about what is wrong with a policy's patterns."""
    problems = [
        f"The pattern “{name}” cannot be used: {wrong}."
        for name, pattern in policy.patterns.items()
        if (wrong := check_pattern(pattern))
    ]
    if len(policy.patterns) > MOST_PATTERNS:
        problems.append(f"At most {MOST_PATTERNS} patterns; there are {len(policy.patterns)}.")
    return problems


def policy_from_data(data: object, closed: dict[str, tuple[str, ...]] | None = None) -> Policy:
    """A policy from stored JSON. Raises msgspec.ValidationError."""
    policy: Any = msgspec.convert(data, Policy)
    return msgspec.structs.replace(policy, closed=closed or {})  # type: ignore[no-any-return]
