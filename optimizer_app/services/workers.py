"""Create and change workers."""

from typing import Any

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.engine.spec import Program, SpecError, content_hash, program_from_data
from optimizer_app.models import LanguageModel, Metric, ProgramVersion, Promotion, Worker
from optimizer_app.services import audit


def worker_create(
    *, by: Actor, name: str, description: str, program: object, language_model: LanguageModel, metric: Metric
) -> Worker:
    """A worker with its unoptimized baseline as version 0, active at once."""
    by.require(Capability.OPERATE)
    try:
        spec = program_from_data(program)
    except SpecError as error:
        raise Refused(fields={"program": error.problems}) from None
    _check_name(name)
    _check_metric(spec, metric)
    state = {step.name: {"instructions": step.instructions, "demos": []} for step in spec.steps}
    with transaction.atomic():
        worker = Worker.objects.create(
            name=name, description=description, program=spec.to_data(), language_model=language_model, metric=metric
        )
        version = ProgramVersion.objects.create(
            worker=worker, number=0, state=state, fingerprint=fingerprint(spec, state), created_by=by.name
        )
        Promotion.objects.create(worker=worker, version=version, kind=Promotion.Kind.INITIAL, promoted_by=by.name)
        worker.active_version = version
        worker.save(update_fields=["active_version"])
        audit.record(by, "worker.create", worker, language_model=language_model.name, metric=metric.name)
    return worker


def worker_update(
    worker: Worker, *, by: Actor, name: str, description: str, language_model: LanguageModel, metric: Metric
) -> None:
    """Change everything but the program, on which datasets and versions are built."""
    by.require(Capability.OPERATE)
    _check_name(name, worker)
    _check_metric(worker.spec(), metric)
    values = {"name": name, "description": description, "language_model": language_model, "metric": metric}
    changed = [key for key, value in values.items() if getattr(worker, key) != value]
    for key in changed:
        setattr(worker, key, values[key])
    with transaction.atomic():
        worker.save(update_fields=changed)
        audit.record(by, "worker.update", worker, changed=changed)


def fingerprint(program: Program, state: dict[str, Any]) -> str:
    """The identity of a program version, equal to `engine.programs.state_hash` without importing DSPy."""
    return content_hash({"program": program.to_data(), "state": state})


def _check_name(name: str, besides: Worker | None = None) -> None:
    if not name.strip():
        raise Refused(fields={"name": ["A worker needs a name."]})
    if Worker.objects.filter(name=name).exclude(pk=besides.pk if besides else 0).exists():
        raise Refused(fields={"name": [f"There is already a worker called “{name}”."]})


def _check_metric(program: Program, metric: Metric) -> None:
    names = [field.name for field in program.outputs]
    if metric.field and metric.field not in names:
        text = f"The metric scores the field “{metric.field}”; the worker's outputs are {', '.join(names)}."
        raise Refused(fields={"metric": [text]})
