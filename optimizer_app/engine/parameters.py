"""Parameters described as data: what a form shows, what is checked, what a run is given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

LONGEST_TEXT = 20_000
ParameterKind = Literal["int", "float", "bool", "choice", "text"]


@dataclass(frozen=True)
class Parameter:
    """One setting of an optimizer or metric. `low` and `high` bound numbers, both inclusive."""

    name: str
    label: str
    kind: ParameterKind
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[tuple[str, str], ...] = ()

    def parse(self, value: object) -> Any:
        """The value as this parameter's type. Raises ValueError that names the parameter and the limits."""
        if self.kind == "choice":
            names = [name for name, _ in self.choices]
            if value not in names:
                raise ValueError(f"{self.label}: “{value}” is not one of {', '.join(names)}.")
            return value
        if self.kind == "text":
            if not isinstance(value, str) or len(value) > LONGEST_TEXT:
                raise ValueError(f"{self.label}: a text of at most {LONGEST_TEXT:,} characters is expected.")
            return value
        if self.kind == "bool":
            if not isinstance(value, bool):
                raise ValueError(f"{self.label}: true or false is expected.")
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{self.label}: a number is expected.")
        if self.kind == "int" and value != int(value):
            raise ValueError(f"{self.label}: a whole number is expected.")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ValueError(f"{self.label}: {value} is outside {self.low} to {self.high}.")
        return int(value) if self.kind == "int" else float(value)


def parse_all(parameters: Iterable[Parameter], values: Mapping[str, object]) -> dict[str, Any]:
    """Every parameter's value, defaults filled in. Raises ValueError listing all that is wrong."""
    known = {parameter.name: parameter for parameter in parameters}
    problems = [f"There is no parameter “{name}”." for name in values if name not in known]
    parsed: dict[str, Any] = {}
    for name, parameter in known.items():
        try:
            parsed[name] = parameter.parse(values.get(name, parameter.default))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError(" ".join(problems))
    return parsed
