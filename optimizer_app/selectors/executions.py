"""Reading executions: filtered, newest first, a page at a time, as quick among a million as among ten."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from optimizer_app.common.problems import Refused
from optimizer_app.models import Execution, ExecutionTag, Feedback, ProgramVersion, Worker

PAGE = 50
TEXT_WINDOW = 1_000  # newest matches whose encrypted bodies a text search opens


@dataclass(frozen=True)
class ExecutionFilter:
    """What to look for; empty means anything. `tag` is name=value of the metadata; `text` is searched in bodies."""

    worker: str = ""
    version: int | None = None
    outcome: str = ""
    error_kind: str = ""
    label: str = ""
    trace_id: str = ""
    score_from: float | None = None
    score_to: float | None = None
    path: str = ""
    tag: str = ""
    since: datetime | None = None
    until: datetime | None = None
    id: str = ""
    text: str = ""


@dataclass(frozen=True)
class ExecutionPage:
    """One page. `older` is the cursor of the next, empty on the last; `searched` counts the bodies that were opened."""

    rows: Sequence[Execution]
    older: str
    searched: int = 0


def page_of(wanted: ExecutionFilter, after: str = "") -> ExecutionPage:
    """Up to PAGE executions before the cursor. Raises Refused for a filter that cannot be read."""
    pair = _pair(wanted)
    time = "tags__started_at" if pair else "started_at"
    conditions = _conditions(wanted, pair, time)
    before = Q()
    if after:
        moment, last = _cursor(after)
        before = Q(**{f"{time}__lt": moment}) | Q(**{time: moment, "id__lt": last})
        conditions[f"{time}__lte"] = moment
    # one call, so that all conditions on tags are on one and the same tag
    found = Execution.objects.filter(before, **conditions).order_by(f"-{time}", "-id")
    found = found.select_related("worker", "version").defer(*(() if wanted.text else ("body",)))
    searched = 0
    if wanted.text:
        window = list(found[:TEXT_WINDOW])
        searched = len(window)
        rows = list(islice((row for row in window if _holds(row, wanted.text.casefold())), PAGE + 1))
    else:
        rows = list(found[: PAGE + 1])
    older = _cursor_text(rows[PAGE - 1]) if len(rows) > PAGE else ""
    return ExecutionPage(rows[:PAGE], older, searched)


def execution_feedback(execution: Execution) -> QuerySet[Feedback]:
    """What was said about an execution, newest first."""
    return Feedback.objects.filter(execution=execution)


def _pair(wanted: ExecutionFilter) -> tuple[str, str] | None:
    """The pair that the list is read by: the metadata asked for, else the way of the answer if it is a rare one."""
    if wanted.tag:
        name, _, value = wanted.tag.partition("=")
        return name.strip(), value.strip()
    return (ExecutionTag.PATH, wanted.path) if wanted.path not in ("", Execution.Path.PROGRAM) else None


def _conditions(wanted: ExecutionFilter, pair: tuple[str, str] | None, time: str) -> dict[str, Any]:
    exact: dict[str, Any] = {
        "error_kind": wanted.error_kind, "label": wanted.label, "path": wanted.path, "trace_id": wanted.trace_id,
        "score__gte": wanted.score_from, "score__lte": wanted.score_to, f"{time}__gte": wanted.since,
        f"{time}__lt": wanted.until,
    }  # fmt: skip
    conditions = {name: value for name, value in exact.items() if value not in ("", None)}
    # repeats the conditions of the partial indexes
    conditions |= {f"{name}__gt": "" for name in ("error_kind", "label", "trace_id") if name in conditions}
    if wanted.outcome:
        conditions |= {"error_kind__gt": ""} if wanted.outcome == "error" else {"success": True}
    if wanted.worker:
        conditions["worker"] = Worker.objects.filter(name=wanted.worker).values_list("pk", flat=True).first() or 0
    if wanted.version is not None:
        if not wanted.worker:
            raise Refused(fields={"version": ["Choose the worker whose version it is."]})
        number = ProgramVersion.objects.filter(worker=conditions.pop("worker"), number=wanted.version)
        conditions["version"] = number.values_list("pk", flat=True).first() or 0
    if pair:
        conditions |= {"tags__name": pair[0], "tags__value": pair[1]}
    if wanted.id:
        try:
            conditions["uid"] = UUID(wanted.id)
        except ValueError:
            raise Refused(fields={"id": [f"“{wanted.id}” is not the id of an execution."]}) from None
    return conditions


def _holds(execution: Execution, text: str) -> bool:
    body = execution.content
    return text in f"{body.inputs} {body.outputs} {body.error}".casefold()


def _cursor_text(row: Execution) -> str:
    return base64.urlsafe_b64encode(f"{row.started_at.isoformat()} {row.pk}".encode()).decode()


def _cursor(text: str) -> tuple[datetime, int]:
    try:
        moment, _, last = base64.urlsafe_b64decode(text.encode()).decode().rpartition(" ")
        when = datetime.fromisoformat(moment)
        if when.tzinfo is None or not 0 <= int(last) < 2**63:
            raise ValueError
        return when, int(last)
    except (ValueError, binascii.Error, UnicodeError, OverflowError):
        raise Refused(fields={"after": ["This is no cursor of a page."]}) from None
