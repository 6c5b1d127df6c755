"""Store what a run found: the new version, both evaluations of each split, the comparison."""

from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import msgspec
from django.db.models import Max

from optimizer_app.engine.spec import TUNED
from optimizer_app.models import Comparison, Evaluation, ExampleScore, ProgramVersion, Run, Split
from optimizer_app.services.artifacts import artifact_store

if TYPE_CHECKING:
    from optimizer_app.engine.evaluation import ExampleResult
    from optimizer_app.engine.runner import Evaluated, RunOutcome

BATCH = 500


def store_results(run: Run, outcome: "RunOutcome", artifacts: Path) -> None:
    """Write the outcome's rows; call inside the transaction that ends the run."""
    if outcome.baseline is None:
        return
    before = _store_evaluations(run, Evaluation.Role.BASELINE, run.baseline, outcome.baseline)
    if outcome.winner is None or outcome.comparison is None:
        return
    winner = version_for(run, outcome.winner.state, outcome.winner.fingerprint, artifacts, by=run.requested_by)
    after = _store_evaluations(run, Evaluation.Role.WINNER, winner, outcome.winner)
    numbers = msgspec.to_builtins(outcome.comparison)
    Comparison.objects.create(run=run, before=before[Split.TEST], after=after[Split.TEST], numbers=numbers)
    run.winner = winner
    run.save(update_fields=["winner"])


def version_for(run: Run, state: dict[str, Any], fingerprint: str, artifacts: Path, *, by: str) -> ProgramVersion:
    """A new version, or the one with this very content. A fine-tuned model is taken in from `artifacts`."""
    versions = run.worker.versions
    if existing := versions.filter(fingerprint=fingerprint).first():
        return existing
    name = state.get(TUNED, {}).get("artifact", "")
    last = versions.aggregate(last=Max("number"))["last"]
    return ProgramVersion.objects.create(
        worker=run.worker,
        number=last + 1,
        state=state,
        fingerprint=fingerprint,
        artifact=artifact_store(name, artifacts / name) if name else None,
        run=run,
        created_by=by,
    )


def _store_evaluations(
    run: Run, role: Evaluation.Role, version: ProgramVersion, evaluated: "Evaluated"
) -> dict[Split, Evaluation]:
    stored = {}
    for split, results in ((Split.VALIDATION, evaluated.validation), (Split.TEST, evaluated.test)):
        stored[split] = evaluation_store(run, role, version, split, results)
    return stored


def evaluation_store(
    run: Run, role: Evaluation.Role, version: ProgramVersion, split: Split, results: "Sequence[ExampleResult]"
) -> Evaluation:
    """One evaluation with its examples."""
    fresh = [result for result in results if not result.cached]
    costs = [result.cost_usd for result in fresh if result.cost_usd is not None]
    latencies = [result.latency_ms for result in fresh]
    # n=20 gives the cut points 5 %, 10 %, ... 95 %
    cuts = quantiles(latencies, n=20, method="inclusive") if len(latencies) > 1 else None
    evaluation = Evaluation.objects.create(
        run=run,
        version=version,
        role=role,
        split=split,
        n=len(results),
        mean_score=sum(result.score for result in results) / len(results),
        errors=sum(bool(result.error) for result in results),
        measured=len(fresh),
        tokens_in=sum(result.tokens_in for result in fresh),
        tokens_out=sum(result.tokens_out for result in fresh),
        cost_usd=sum(costs) if len(costs) == len(fresh) else None,
        latency_p50_ms=cuts[9] if cuts else None,
        latency_p95_ms=cuts[18] if cuts else None,
    )
    ExampleScore.objects.bulk_create(
        [
            ExampleScore(
                evaluation=evaluation,
                example_id=result.example_id,
                score=result.score,
                detail={"outputs": result.outputs, "feedback": result.feedback, "error": result.error},
                latency_ms=result.latency_ms,
            )
            for result in results
        ],
        batch_size=BATCH,
    )
    return evaluation
