"""Create and try metrics."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.engine.metrics import Case, Score, metric_kinds, score
from optimizer_app.engine.parameters import parse_all
from optimizer_app.engine.spec import NAME
from optimizer_app.models import Example, Metric
from optimizer_app.services import audit


@dataclass(frozen=True)
class Trial:
    """A metric tried on one example: what it gives the right answer, and another example's answer."""

    example: Example
    right: Score
    other_outputs: dict[str, Any]
    other: Score


def metric_create(
    *, by: Actor, name: str, description: str, kind: str, field: str, parameters: dict[str, object]
) -> Metric:
    """A metric of a built-in kind."""
    by.require(Capability.OPERATE)
    fields: dict[str, list[str]] = {}
    if not name.strip():
        fields["name"] = ["A metric needs a name."]
    elif Metric.objects.filter(name=name).exists():
        fields["name"] = [f"There is already a metric called “{name}”."]
    if field and not NAME.fullmatch(field):
        fields["field"] = ["This is not the name of a field."]
    parsed: dict[str, Any] = {}
    if kind not in metric_kinds():
        fields["kind"] = [f"There is no kind of metric called “{kind}”."]
    else:
        try:
            parsed = parse_all(metric_kinds()[kind].parameters, parameters)
        except ValueError as error:
            fields["parameters"] = [str(error)]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        metric = Metric.objects.create(name=name, description=description, kind=kind, field=field, parameters=parsed)
        audit.record(by, "metric.create", metric, kind=kind, field=field)
    return metric


def metric_try(metric: Metric, examples: Iterable[Example]) -> list[Trial]:
    """Score each example's own answer and its neighbour's: a metric that tells nothing apart shows here."""
    listed = list(examples)
    if listed and metric.field and metric.field not in listed[0].outputs:
        raise Refused(f"This dataset has no output called “{metric.field}”; it has {', '.join(listed[0].outputs)}.")
    spec = metric.spec()
    return [
        Trial(
            example,
            score(spec, example.outputs, example.outputs),
            other.outputs,
            score(spec, example.outputs, other.outputs),
        )
        for example, other in zip(listed, [*listed[1:], *listed[:1]], strict=True)
    ]
