"""Foretell a run, from formulas and a measured pilot; nothing is paid for but the pilot."""

from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings
from django.core.cache import cache

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.engine.gate import Budget
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.optimizers.base import Sizes
from optimizer_app.engine.quoting import PerCall, Prices, Quote, quote
from optimizer_app.models import DatasetVersion, Evaluation, LanguageModel, Split, Worker
from optimizer_app.selectors.datasets import passages_of, split_examples
from optimizer_app.services.artifacts import artifacts_folder
from optimizer_app.services.language_models import connection_of

if TYPE_CHECKING:
    pass

PILOT_EXAMPLES = 4
KEPT_S = 24 * 3600
GUESS_IN, GUESS_OUT = 400.0, 60.0  # tokens of a call nobody has measured; shown as a guess


def run_quote(
    worker: Worker,
    version: DatasetVersion,
    optimizer: str,
    parameters: dict[str, Any],
    *,
    model: LanguageModel,
    proposer: LanguageModel | None = None,
    teacher: LanguageModel | None = None,
    budget: Budget | None = None,
) -> Quote:
    """The quote of a run, from the best measurement there is."""
    # Imported here: the formula needs scipy's module, which takes 0.3 s that most pages do not need.
    from optimizer_app.engine.comparison import detectable_effect

    counts = version.counts
    program = worker.spec()
    sizes = Sizes(counts[Split.TRAIN], counts[Split.VALIDATION], program.predictors)
    metric, chosen = worker.metric.spec(), optimizers()[optimizer]
    prices = {"task": _prices(model), "proposer": _prices(proposer or model), "teacher": _prices(teacher or model)}
    if metric.judges:
        judge = LanguageModel.objects.filter(pk__in=[int(name) for name in metric.judges]).order_by("price_in").last()
        prices["judge"] = _prices(judge or model)
    return quote(
        chosen.work(sizes, parameters),
        per_call(worker, version, model),
        parameters=parameters,
        held_out=counts[Split.VALIDATION] + counts[Split.TEST],
        test=counts[Split.TEST],
        detectable=detectable_effect(counts[Split.TEST]),
        prices=prices,
        threads=1 if model.is_built_in else settings.RUN_THREADS,
        judged=bool(metric.judges),
        rewrites="instructions" in chosen.changes,
        separate_teacher=teacher is not None,
        budget=budget or Budget(),
    )


def per_call(worker: Worker, version: DatasetVersion, model: LanguageModel) -> PerCall:
    """What a call takes: from a pilot, else from the newest baseline with this model, else a guess that says so."""
    if model.is_built_in and cache.get(_key(worker, model)) is None:
        pilot_run(worker, version, model)  # takes milliseconds and costs nothing
    if kept := cache.get(_key(worker, model)):
        return msgspec.json.decode(kept, type=PerCall)
    calls = float(sum(step.calls_model for step in worker.spec().steps))
    measured = (
        Evaluation.objects.filter(
            run__worker=worker, run__language_model=model, role=Evaluation.Role.BASELINE, measured__gt=0
        )
        .order_by("-id")
        .first()
    )
    if measured:
        n = measured.measured
        seconds = None if measured.latency_p50_ms is None else measured.latency_p50_ms / 1000
        basis = f"measured on {n} examples of run {measured.run_id}"
        return PerCall(calls, measured.tokens_in / n, measured.tokens_out / n, seconds, GUESS_IN / 4, n, basis)
    return PerCall(calls, GUESS_IN * calls, GUESS_OUT * calls, None, GUESS_IN / 4, 0, "not measured: a guess")


def pilot_run(worker: Worker, version: DatasetVersion, model: LanguageModel, *, by: Actor | None = None) -> PerCall:
    """Measure the baseline on a few training examples; the result is kept for a day."""
    if by:
        by.require(Capability.OPERATE)
    from optimizer_app.engine.evaluation import ExampleData
    from optimizer_app.engine.lms import Connection
    from optimizer_app.engine.pilot import PilotFailedError, measure

    rows = split_examples(version, Split.TRAIN)[:PILOT_EXAMPLES]
    examples: list[ExampleData] = [ExampleData(row.pk, row.inputs, row.outputs) for row in rows]
    program = worker.spec()
    state = worker.versions.get(number=0).state
    connection = Connection(**connection_of(model))
    try:
        measured = measure(program, state, connection, examples, passages_of(program), artifacts_folder())
    except PilotFailedError as failed:
        raise Refused(f"The measurement did not work: {failed}") from None
    cache.set(_key(worker, model), msgspec.json.encode(measured), KEPT_S)
    return measured


def _key(worker: Worker, model: LanguageModel) -> str:
    return f"pilot-{worker.pk}-{model.pk}-{model.updated_at.timestamp()}"


def _prices(model: LanguageModel) -> Prices:
    if model.price_in is None or model.price_out is None:
        return Prices(None, None)
    return Prices(float(model.price_in), float(model.price_out))
