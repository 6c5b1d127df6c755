"""Create and change workers."""

from typing import Any

import msgspec
from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.ownership import home_team
from optimizer_app.common.problems import Refused
from optimizer_app.engine.spec import Program, SpecError, content_hash, program_from_data
from optimizer_app.models import DatasetVersion, LanguageModel, Metric, ProgramVersion, Promotion, Worker
from optimizer_app.privacy.policy import Policy, policy_from_data, policy_problems
from optimizer_app.sdk.registry import REGISTRY
from optimizer_app.selectors.datasets import passages_of
from optimizer_app.services import audit


def worker_create(
    *,
    by: Actor,
    name: str,
    description: str,
    program: object,
    language_model: LanguageModel,
    metric: Metric,
    latency_need_ms: int | None = None,
) -> Worker:
    """A worker with its unoptimized baseline as version 0, active at once."""
    by.require(Capability.OPERATE)
    try:
        spec = program_from_data(program)
        _check_known(spec)
    except SpecError as error:
        raise Refused(fields={"program": error.problems}) from None
    _check_name(name)
    _check_metric(spec, metric)
    state = _baseline_state(spec)
    with transaction.atomic():
        worker = Worker.objects.create(
            name=name, description=description, program=spec.to_data(), language_model=language_model, metric=metric,
            latency_need_ms=latency_need_ms, team_id=home_team(),
        )  # fmt: skip
        version = ProgramVersion.objects.create(
            worker=worker, number=0, state=state, fingerprint=fingerprint(spec, state), created_by=by.name
        )
        Promotion.objects.create(worker=worker, version=version, kind=Promotion.Kind.INITIAL, promoted_by=by.name)
        worker.active_version = version
        worker.save(update_fields=["active_version"])
        audit.record(by, "worker.create", worker, language_model=language_model.name, metric=metric.name)
    return worker


def workers_from_code(*, by: Actor) -> list[Worker]:
    """A worker for every program that code registers and that has none yet, with the first language model."""
    from optimizer_app.engine.programs import describe_code

    made = []
    for name, entry in REGISTRY.workers.items():
        if Worker.objects.filter(program__code=name).exists():
            continue
        metrics = Metric.objects.filter(name=entry.metric) if entry.metric else Metric.objects.order_by("id")
        if not metrics:
            raise Refused(f"The worker {name} asks for the metric “{entry.metric}”, which does not exist.")
        worker = worker_create(
            by=by,
            name=name,
            description=entry.description,
            program=describe_code(name).to_data(),
            language_model=LanguageModel.objects.order_by("id")[0],
            metric=metrics[0],
        )
        made.append(worker)
    return made


def worker_update(
    worker: Worker,
    *,
    by: Actor,
    name: str,
    description: str,
    language_model: LanguageModel,
    metric: Metric,
    latency_need_ms: int | None = None,
) -> None:
    """Change everything but the program, on which datasets and versions are built."""
    by.require(Capability.OPERATE)
    _check_name(name, worker)
    _check_metric(worker.spec(), metric)
    values = {
        "name": name, "description": description, "language_model": language_model, "metric": metric,
        "latency_need_ms": latency_need_ms,
    }  # fmt: skip
    changed = [key for key, value in values.items() if getattr(worker, key) != value]
    for key in changed:
        setattr(worker, key, values[key])
    with transaction.atomic():
        worker.save(update_fields=changed)
        audit.record(by, "worker.update", worker, changed=changed)


def privacy_policy(worker: Worker) -> Policy:
    """What is done with personal data in the worker's executions; redacted unless a person chose otherwise."""
    closed = {f.name: f.options for f in worker.spec().outputs if f.type in ("enum", "bool", "list[enum]")}
    return policy_from_data(worker.privacy, closed)


def worker_set_privacy(worker: Worker, *, by: Actor, policy: dict[str, Any]) -> None:
    """Change what is done with personal data in executions that arrive from now on."""
    by.require(Capability.APPROVE)
    try:
        checked = policy_from_data(policy)
    except msgspec.ValidationError as error:
        raise Refused(fields={"policy": [f"The policy is not well formed: {error}."]}) from None
    if problems := policy_problems(checked):
        raise Refused(fields={"patterns": problems})
    with transaction.atomic():
        worker.privacy = policy
        worker.save(update_fields=["privacy"])
        audit.record(
            by, "worker.privacy", worker, default=checked.default, fields=checked.fields, off=list(checked.off)
        )


def worker_set_retention(worker: Worker, *, by: Actor, days: int | None, count: int | None) -> None:
    """Change how long executions are kept. What is past the limit is deleted within the hour."""
    by.require(Capability.APPROVE)
    with transaction.atomic():
        worker.retention_days, worker.retention_count = days, count
        worker.save(update_fields=["retention_days", "retention_count"])
        audit.record(by, "worker.retention", worker, days=days, count=count)


def fingerprint(program: Program, state: dict[str, Any]) -> str:
    """The identity of a program version, equal to `engine.programs.state_hash` without importing DSPy."""
    return content_hash({"program": program.to_data(), "state": state})


def _baseline_state(program: Program) -> dict[str, Any]:
    """What the unoptimized program says. Tools and code write part of their prompts themselves, so DSPy is asked."""
    if program.code or any(step.module == "ReAct" for step in program.steps):
        from optimizer_app.engine import programs

        state: dict[str, Any] = programs.state_of(programs.build(program, passages=passages_of(program)))
        return state
    return {step.name: {"instructions": step.instructions, "demos": []} for step in program.steps if step.calls_model}


def _check_known(program: Program) -> None:
    """Tools, code and passages that a program names must exist. Raises SpecError."""
    from optimizer_app.engine.tools import tools

    problems = [
        f"Step {step.name}: there is no tool called “{name}”."
        for step in program.steps
        for name in step.tools
        if name not in tools()
    ]
    if program.code and program.code not in REGISTRY.workers:
        problems.append(f"No code registers the worker “{program.code}”.")
    known = set(DatasetVersion.objects.filter(content_hash__in=program.passages).values_list("content_hash", flat=True))
    problems += [
        f"Step {step.name}: its dataset of passages does not exist."
        for step in program.steps
        if step.passages and step.passages not in known
    ]
    if problems:
        raise SpecError(problems)


def _check_name(name: str, besides: Worker | None = None) -> None:
    if not name.strip():
        raise Refused(fields={"name": ["A worker needs a name."]})
    if Worker.everywhere.filter(name=name).exclude(pk=besides.pk if besides else 0).exists():
        raise Refused(fields={"name": [f"There is already a worker called “{name}”."]})


def _check_metric(program: Program, metric: Metric) -> None:
    names = [field.name for field in program.outputs]
    if metric.field and metric.field not in names:
        text = f"The metric scores the field “{metric.field}”; the worker's outputs are {', '.join(names)}."
        raise Refused(fields={"metric": [text]})
