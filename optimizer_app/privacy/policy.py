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
    person's own regular expressions by name. `closed` fields hold one of a list of values and are never searched."""

    default: FieldRule = "redact"
    fields: dict[str, FieldRule] = {}
    off: tuple[Kind, ...] = ()
    patterns: dict[str, str] = {}
    closed: tuple[str, ...] = ()

    def rule(self, field: str) -> FieldRule:
        """What is done with a field."""
        if field in self.fields:
            return self.fields[field]
        return "capture" if field in self.closed else self.default

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


def policy_from_data(data: object, closed: tuple[str, ...] = ()) -> Policy:
    """A policy from stored JSON. Raises msgspec.ValidationError."""
    policy: Any = msgspec.convert(data, Policy)
    return msgspec.structs.replace(policy, closed=closed)  # type: ignore[no-any-return]
