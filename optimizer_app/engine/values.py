"""Values of a program's fields: what a CSV cell, a form or a JSON body may hold, as the field's type."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from optimizer_app.engine.spec import Field, SpecError

TRUE_WORDS, FALSE_WORDS = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


def coerce(field: Field, value: object) -> Any:
    """A value as the field's type; accepts what a CSV cell or a JSON value can hold. Raises ValueError."""
    if value is None or (isinstance(value, str) and not value.strip() and not field.type.startswith("list[")):
        raise ValueError(f"{field.name} is empty.")
    if field.type.startswith("list["):
        items = _items(field, value)
        if field.type == "list[enum]":
            return [_option(field, item) for item in items]
        return items
    if field.type == "enum":
        return _option(field, value)
    if field.type == "str":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _boolean(field, value) if field.type == "bool" else _number(field, value)


def coerce_all(fields: Iterable[Field], values: Mapping[str, object]) -> dict[str, Any]:
    """Every field's value, or one SpecError that names each bad field."""
    done: dict[str, Any] = {}
    problems: list[str] = []
    for field in fields:
        try:
            done[field.name] = coerce(field, values.get(field.name))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise SpecError(problems)
    return done


def _option(field: Field, value: object) -> str:
    text = str(value).strip()
    if text not in field.options:
        raise ValueError(f"{field.name}: “{_short(text)}” is not one of the {len(field.options)} allowed values.")
    return text


def _items(field: Field, value: object) -> list[str]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = json.loads(text)
            except ValueError:
                raise ValueError(f"{field.name}: “{_short(text)}” is not a JSON list.") from None
        else:
            value = [part.strip() for part in re.split(r"[;|]", text) if part.strip()]
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{field.name}: a list is expected.")
    return [item if isinstance(item, str) else json.dumps(item) for item in value]


def _boolean(field: Field, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE_WORDS | FALSE_WORDS:
        return text in TRUE_WORDS
    raise ValueError(f"{field.name}: “{_short(text)}” is neither true nor false.")


def _number(field: Field, value: object) -> int | float:
    if isinstance(value, bool):
        raise ValueError(f"{field.name}: a number is expected, not {str(value).lower()}.")
    try:
        number = float(value) if isinstance(value, (int, float)) else float(str(value).strip().replace(",", ""))
    except ValueError:
        raise ValueError(f"{field.name}: “{_short(str(value))}” is not a number.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(f"{field.name}: the number must be finite.")
    if field.type == "int":
        if number != int(number):
            raise ValueError(f"{field.name}: “{_short(str(value))}” is not a whole number.")
        return int(number)
    return number


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
