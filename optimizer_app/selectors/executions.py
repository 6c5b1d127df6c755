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
from optimizer_app.models import Execution, Feedback

PAGE = 50
TEXT_WINDOW = 2_000  # newest matches whose encrypted bodies a text search opens


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
    found = _filtered(wanted)
    if after:
        moment, last = _cursor(after)
        found = found.filter(Q(started_at__lt=moment) | Q(started_at=moment, id__lt=last), started_at__lte=moment)
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


def _filtered(wanted: ExecutionFilter) -> QuerySet[Execution]:
    exact: dict[str, Any] = {
        "worker__name": wanted.worker, "error_kind": wanted.error_kind, "label": wanted.label, "path": wanted.path,
        "trace_id": wanted.trace_id, "score__gte": wanted.score_from, "score__lte": wanted.score_to,
        "started_at__gte": wanted.since, "started_at__lt": wanted.until, "version__number": wanted.version,
    }  # fmt: skip
    found = Execution.objects.filter(**{name: value for name, value in exact.items() if value not in ("", None)})
    if wanted.outcome:
        # An index holds the failures only; they are few.
        found = found.filter(error_kind="") if wanted.outcome == "success" else found.exclude(error_kind="")
    if wanted.tag:
        name, _, value = wanted.tag.partition("=")
        found = found.filter(tags__name=name.strip(), tags__value=value.strip())
    if wanted.id:
        try:
            found = found.filter(uid=UUID(wanted.id))
        except ValueError:
            raise Refused(fields={"id": [f"“{wanted.id}” is not the id of an execution."]}) from None
    return found.order_by("-started_at", "-id")


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
