"""Bring in evaluations that were made elsewhere: example by example, whole or not at all."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from analytics.models import OutsideEvaluation, OutsideScore
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit
from optimizer_app.services.registration import worker_stand_in
from optimizer_app.services.table_files import read_rows
from optimizer_app.services.tables import decode, read_table

NAMES = {
    "example": "key", "example_key": "key", "key": "key", "id": "key", "variant": "variant", "score": "score",
    "output": "output", "expected": "expected", "cost": "cost_usd", "cost_usd": "cost_usd", "latency": "latency_ms",
    "latency_ms": "latency_ms", "slice": "slice",
}  # fmt: skip
NEEDED = ("key", "variant", "score")
MOST_VARIANTS = 50
MOST_BYTES = 64 * 1024 * 1024
MOST_SAID = 20  # problems that are listed
LONGEST_KEY, LONGEST_VARIANT, LONGEST_GROUP = 200, 100, 100
_TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Imported:
    """What came of a file: variants with their number of examples, and columns that nothing was taken from."""

    worker: Worker
    variants: dict[str, int]
    ignored: list[str]


def evaluations_import(worker: Worker, file_name: str, raw: bytes, *, by: Actor) -> Imported:
    """Store every variant of the file, in place of an earlier import of the same name. Rows are `example`, `variant`,
    `score` (0 to 1, or true and false) and, if known, `output`, `expected`, `cost` (USD), `latency` (milliseconds)
    and `slice` (a name, or an object of names). Raises Refused, naming rows, and then stores nothing."""
    by.require(Capability.OPERATE)
    if len(raw) > MOST_BYTES:
        raise Refused(fields={"file": [f"The file is larger than {MOST_BYTES // 2**20} MB. Split it."]})
    rows, ignored = _rows(file_name, raw)
    variants, problems = _scores(rows)
    if problems:
        more = [f"… and {len(problems) - MOST_SAID} more."] if len(problems) > MOST_SAID else []
        raise Refused(fields={"file": [*problems[:MOST_SAID], *more]})
    with transaction.atomic():
        for variant, scores in variants.items():
            _replace(worker, variant, scores, file_name, by)
        counts = {variant: len(scores) for variant, scores in variants.items()}
        audit.record(by, "evaluations.import", worker, file=file_name[:200], variants=counts)
    return Imported(worker, counts, ignored)


def evaluations_bring(name: str, file_name: str, raw: bytes, *, by: Actor) -> Imported:
    """The same for a worker by name, which is created as a stand-in where there is none."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        worker = worker_stand_in(name, "Known by its evaluations.", by=by).worker
        return evaluations_import(worker, file_name, raw, by=by)


def _rows(file_name: str, raw: bytes) -> tuple[list[tuple[int, dict[str, Any]]], list[str]]:
    told = read_rows(file_name, raw)
    numbered = list(enumerate(told, 1)) if told is not None else read_table(file_name, decode(file_name, raw)).rows
    columns = dict.fromkeys(column for _, cells in numbered for column in cells)
    taken: dict[str, str] = {}
    for column in columns:
        name = NAMES.get(column.strip().lower())
        if name and name not in taken.values():
            taken[column] = name
    if missing := [name for name in NEEDED if name not in taken.values()]:
        asked = ", ".join("example" if name == "key" else name for name in missing)
        raise Refused(fields={"file": [f"{file_name} has no column {asked}. It has: {', '.join(columns)[:300]}."]})
    rows = [(number, {taken[c]: value for c, value in cells.items() if c in taken}) for number, cells in numbered]
    return rows, [column for column in columns if column not in taken]


def _scores(rows: list[tuple[int, dict[str, Any]]]) -> tuple[dict[str, list[OutsideScore]], list[str]]:
    variants: dict[str, list[OutsideScore]] = defaultdict(list)
    seen: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    for number, cells in rows:
        try:
            variant, score = _score(cells)
        except ValueError as error:
            problems.append(f"Row {number}: {error}")
            continue
        if first := seen.get((variant, score.key)):
            problems.append(f"Row {number}: example “{score.key}” of {variant} stands in row {first} already.")
            continue
        seen[variant, score.key] = number
        variants[variant].append(score)
    if len(variants) > MOST_VARIANTS:
        problems.insert(
            0, f"{len(variants)} variants; at most {MOST_VARIANTS} in one file. Is “variant” the right column?"
        )
    return variants, problems


def _score(cells: dict[str, Any]) -> tuple[str, OutsideScore]:
    key, variant = (_name(cells.get(name), name, most) for name, most in _LIMITS)
    made = OutsideScore(
        key=key,
        score=_number(cells.get("score"), "score", 1.0),
        cost_usd=_maybe(cells.get("cost_usd"), "cost"),
        latency_ms=_maybe(cells.get("latency_ms"), "latency"),
        slices=_groups(cells.get("slice")),
        detail={name: cells[name] for name in ("output", "expected") if cells.get(name) not in (None, "")},
    )
    return variant, made


_LIMITS = (("key", LONGEST_KEY), ("variant", LONGEST_VARIANT))


def _name(value: Any, name: str, most: int) -> str:
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    label = "example" if name == "key" else name
    if not text:
        raise ValueError(f"“{label}” is empty or no name.")
    if len(text) > most:
        raise ValueError(f"“{label}” is longer than {most} characters.")
    return text


def _maybe(value: Any, name: str) -> float | None:
    return None if value in (None, "") else _number(value, name, 1e12)


def _number(value: Any, name: str, most: float) -> float:
    if isinstance(value, str):
        value = _TRUTH.get(value.strip().lower(), value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} “{str(value)[:40]}” is no number.") from None
    if not 0 <= number <= most:
        raise ValueError(f"{name} {number:g} is not between 0 and {most:g}.")
    return number


def _groups(value: Any) -> dict[str, str]:
    if value in (None, ""):
        return {}
    named = value if isinstance(value, dict) else {"slice": value}
    if any(isinstance(part, (dict, list)) for part in named.values()):
        raise ValueError("“slice” is a name or an object of names.")
    return {str(name)[:50]: str(part)[:LONGEST_GROUP] for name, part in named.items()}


def _replace(worker: Worker, variant: str, scores: list[OutsideScore], source: str, by: Actor) -> None:
    OutsideEvaluation.objects.filter(worker=worker, variant=variant).delete()
    evaluation = OutsideEvaluation.objects.create(
        worker=worker, variant=variant, source=source[:200], imported_by=by.name, n=len(scores),
        mean_score=sum(score.score for score in scores) / len(scores),
        binary=all(score.score in (0.0, 1.0) for score in scores),
    )  # fmt: skip
    for score in scores:
        score.evaluation = evaluation
    OutsideScore.objects.bulk_create(scores, batch_size=500)
