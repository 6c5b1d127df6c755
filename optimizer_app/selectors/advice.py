"""What is known about a worker before a run, for advice."""

from optimizer_app.engine.advice import Check, Facts, Suggestion, checks, suggestions
from optimizer_app.engine.comparison import detectable_effect
from optimizer_app.engine.metrics import COMPOSITE, metric_kinds
from optimizer_app.engine.model_names import can_finetune
from optimizer_app.models import DatasetVersion, Evaluation, LanguageModel, Split, Worker


def advice_for(worker: Worker, version: DatasetVersion, model: LanguageModel) -> tuple[list[Check], list[Suggestion]]:
    """The readiness list, and every optimizer with its fit."""
    facts = _facts(worker, version, model)
    return list(checks(facts)), suggestions(facts)


def _facts(worker: Worker, version: DatasetVersion, model: LanguageModel) -> Facts:
    program, counts = worker.spec(), version.counts
    measured = (
        Evaluation.objects.filter(
            run__worker=worker, run__language_model=model, role=Evaluation.Role.BASELINE, split=Split.TEST,
            run__dataset_version=version,
        )
        .order_by("-id")
        .first()
    )  # fmt: skip
    kind = metric_kinds().get(worker.metric.kind)
    return Facts(
        train=counts[Split.TRAIN],
        validation=counts[Split.VALIDATION],
        test=counts[Split.TEST],
        predictors=program.predictors,
        metric_has_feedback=kind is not None and (kind.match is not None or worker.metric.kind == COMPOSITE),
        can_finetune=can_finetune(model.model),
        baseline=measured.mean_score if measured else None,
        latency_ms=measured.latency_p50_ms if measured else None,
        latency_need_ms=worker.latency_need_ms,
        detectable=detectable_effect(counts[Split.TEST]),
        priced=model.price_in is not None,
        built_in=model.is_built_in,
    )
