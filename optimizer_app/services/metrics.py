"""Create and try metrics."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.engine.metrics import COMPOSITE, JUDGE, SCHEMA, Case, Judge, Score, metric_kinds, score
from optimizer_app.engine.metrics import Metric as MetricSpec
from optimizer_app.engine.parameters import parse_all
from optimizer_app.engine.spec import NAME
from optimizer_app.models import Example, ExampleScore, LanguageModel, Metric, Verdict
from optimizer_app.services import audit
from optimizer_app.services.language_models import connection_of

MOST_PARTS = 8


@dataclass(frozen=True)
class Trial:
    """A metric tried on one example: what it gives the right answer, and another example's answer."""

    example: Example
    right: Score
    other_outputs: dict[str, Any]
    other: Score


def metric_create(
    *,
    by: Actor,
    name: str,
    description: str,
    kind: str,
    field: str,
    parameters: dict[str, object],
    judge: LanguageModel | None = None,
    parts: list[dict[str, Any]] | None = None,
) -> Metric:
    """A metric of a known kind; `parts` are `{"metric": id, "weight", "required"}` of a composite."""
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
    cleaned = _clean_parts(parts or [], fields) if kind == COMPOSITE else []
    fields |= _kind_problems(kind, field, parsed, judge)
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        metric = Metric.objects.create(
            name=name, description=description, kind=kind, field=field, parameters=parsed, parts=cleaned,
            judge=judge if kind == JUDGE else None,
        )  # fmt: skip
        audit.record(by, "metric.create", metric, kind=kind, field=field)
    return metric


def metric_try(metric: Metric, examples: Iterable[Example]) -> list[Trial]:
    """Score each example's own answer and its neighbour's: a metric that tells nothing apart shows here."""
    listed = list(examples)
    if listed and metric.field and metric.field not in listed[0].outputs:
        raise Refused(f"This dataset has no output called “{metric.field}”; it has {', '.join(listed[0].outputs)}.")
    spec = metric.spec()
    judge = open_judge_of(spec)
    return [
        Trial(
            example,
            score(spec, Case(example.inputs, example.outputs, example.outputs), judge),
            other.outputs,
            score(spec, Case(example.inputs, example.outputs, other.outputs), judge),
        )
        for example, other in zip(listed, [*listed[1:], *listed[:1]], strict=True)
    ]


def rescore(metric: Metric, scores: Iterable[ExampleScore]) -> list[float]:
    """What the metric gives answers that were already made; a failed answer gets 0."""
    spec = metric.spec()
    judge = open_judge_of(spec)
    found = []
    for row in scores:
        case = Case(row.example.inputs, row.example.outputs, row.detail["outputs"])
        found.append(0.0 if row.detail["error"] else score(spec, case, judge).value)
    return found


def verdict_set(row: ExampleScore, *, by: Actor, right: bool) -> None:
    """A person's word on an answer; saying it again changes it."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        Verdict.objects.update_or_create(score=row, by=by.name, defaults={"right": right})
        audit.record(by, "verdict.set", row, right=right)


def judge_connections(spec: MetricSpec) -> dict[str, dict[str, Any]]:
    """The connections of the judges within a metric, by the name the metric uses for them."""
    models = LanguageModel.objects.in_bulk([int(name) for name in spec.judges])
    return {str(pk): connection_of(model) for pk, model in models.items()}


def open_judge_of(spec: MetricSpec) -> Judge | None:
    """A judge for a metric outside a run, None when it asks no language model."""
    if not spec.judges:
        return None
    from optimizer_app.engine.gate import Gate
    from optimizer_app.engine.judging import open_judge
    from optimizer_app.engine.lms import Connection
    from optimizer_app.engine.usage import Ledger

    connections = {name: Connection(**values) for name, values in judge_connections(spec).items()}
    return open_judge(connections, Gate(), Ledger())


def _kind_problems(
    kind: str, field: str, parameters: dict[str, Any], judge: LanguageModel | None
) -> dict[str, list[str]]:
    if kind == JUDGE and judge is None:
        return {"judge": ["Choose the language model that judges."]}
    if kind != SCHEMA:
        return {}
    if not field:
        return {"field": ["A JSON schema checks one output; name it."]}
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        schema = json.loads(parameters.get("schema", ""))
        Draft202012Validator.check_schema(schema)
    except (ValueError, SchemaError) as error:
        return {"parameters": [f"JSON schema: {str(error).splitlines()[0]}"]}
    if outside := [ref for ref in _references(schema) if not ref.startswith("#")]:
        return {"parameters": [f"JSON schema: “{outside[0]}” points outside; only references within it (#…) work."]}
    return {}


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [ref for item in schema for ref in _references(item)]
    if not isinstance(schema, dict):
        return []
    own = [str(value) for key, value in schema.items() if key in ("$ref", "$dynamicRef")]
    return own + [ref for value in schema.values() for ref in _references(value)]


def _clean_parts(parts: list[dict[str, Any]], fields: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Checked parts; what is wrong goes into `fields`."""
    known = Metric.objects.in_bulk([part["metric"] for part in parts])
    if not 1 <= len(parts) <= MOST_PARTS:
        fields["parts"] = [f"A composite has 1 to {MOST_PARTS} parts."]
    elif any(part["metric"] not in known for part in parts):
        fields["parts"] = ["A part names a metric that does not exist."]
    elif any(known[part["metric"]].kind == COMPOSITE for part in parts):
        fields["parts"] = ["A composite cannot be part of another."]
    elif any(not 0 < part.get("weight", 1) <= 1000 for part in parts):
        fields["parts"] = ["A weight lies above 0, up to 1,000."]
    return [
        {"metric": p["metric"], "weight": float(p.get("weight", 1)), "required": bool(p.get("required"))} for p in parts
    ]
