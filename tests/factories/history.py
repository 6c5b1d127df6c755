"""Long histories made quickly: versions, runs with their comparisons, promotions, and executions of a past."""

import math
import random
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from analytics.services.stats import stats_absorb
from optimizer_app.common import bodies
from optimizer_app.models import Comparison, Evaluation, ProgramVersion, Promotion, Run, Split, Worker
from optimizer_app.services.execution_rows import Row, rows_insert
from optimizer_app.services.ingest_batches import batch_add, measure_of
from tests.factories.workers import frozen

CHUNK = 5_000
DAYS = 90
ERRORS = ("TimeoutError", "RateLimitError", "ValueError")


def lived(worker: Worker, versions: int, now: datetime, draw: random.Random) -> Worker:
    """A worker with so many versions after the baseline, each from a run, compared and promoted in its turn."""
    data = frozen(worker)
    before, score = worker.versions.get(number=0), draw.uniform(0.5, 0.7)
    for number in range(1, versions + 1):
        at = now - timedelta(days=DAYS * (1 - number / (versions + 1)))
        run = Run.objects.create(
            worker=worker, dataset_version=data, language_model=worker.language_model, metric=worker.metric,
            settings={},
            optimizer=draw.choice(["GEPA", "MIPROv2", "BootstrapFewShotWithRandomSearch"]), parameters={}, seed=number,
            threads=1, baseline=before, requested_by="factory", status=Run.Status.SUCCEEDED,
            finish_reason=Run.Finish.IMPROVED, started_at=at - timedelta(minutes=9), finished_at=at,
            quote={"usd": [0.5, 3.0]},
            progress={"usage": {"calls": 800, "cost_usd": draw.uniform(0.4, 3), "roles": {}}},
        )  # fmt: skip
        version = ProgramVersion.objects.create(
            worker=worker, number=number, state={}, fingerprint=f"{number:064x}", run=run, created_by="factory"
        )
        after = min(0.97, score + draw.uniform(0.0, 0.05))
        _compare(run, before, version, score, after)
        Promotion.objects.create(
            worker=worker, version=version, previous=before, kind=Promotion.Kind.PROMOTION, promoted_by="factory"
        )
        Promotion.objects.filter(version=version).update(created_at=at)
        before, score = version, after
    Worker.objects.filter(pk=worker.pk).update(active_version=before)
    worker.refresh_from_db()
    return worker


def executed(workers: list[Worker], count: int, now: datetime, draw: random.Random) -> None:
    """Executions over DAYS days, by whichever version was active, absorbed into the aggregates."""
    versions = {worker.pk: list(worker.versions.order_by("number").values_list("pk", flat=True)) for worker in workers}
    body = bodies.pack(bodies.Body({"message": "my parcel is late"}, {"team": "K1"}))
    for start in range(0, count, CHUNK):
        rows = [_row(workers, versions, now, count, start + i, body, draw) for i in range(min(CHUNK, count - start))]
        with transaction.atomic():
            rows_insert(rows)
            batch_add(measure_of(row) for row in rows)
        if start // CHUNK % 100 == 99:
            stats_absorb()
    stats_absorb()


def _row(
    workers: list[Worker], versions: dict[int, list[int]], now: datetime, count: int, number: int, body: bytes,
    draw: random.Random,
) -> Row:  # fmt: skip
    worker = workers[number % len(workers)]
    past = 1 - (number + 1) / count
    own = versions[worker.pk]
    version = own[min(len(own) - 1, math.floor((1 - past) * len(own)))]
    failed = draw.random() < 0.03
    return Row(
        UUID(int=draw.getrandbits(128)), worker.pk, version, now - timedelta(days=DAYS * past),
        draw.lognormvariate(6, 0.5), 400, 20, 0.0004, not failed, draw.choice(ERRORS) if failed else "", "program",
        "openai/gpt", "", "K1", float(draw.random() < 0.8) if number % 3 == 0 and not failed else None, "", "{}", body,
    )  # fmt: skip


def _compare(run: Run, before: ProgramVersion, after: ProgramVersion, low: float, high: float) -> None:
    evaluations = [
        Evaluation.objects.create(
            run=run, version=version, role=role, split=split, n=200, mean_score=score, errors=0, measured=200,
            tokens_in=80_000, tokens_out=4_000, cost_usd=0.08 * score, latency_p50_ms=400, latency_p95_ms=900,
        )
        for split in (Split.VALIDATION, Split.TEST)
        for role, version, score in (
            (Evaluation.Role.BASELINE, before, low), (Evaluation.Role.WINNER, after, high),
        )
    ]  # fmt: skip
    gain = high - low
    Run.objects.filter(pk=run.pk).update(winner=after)
    Comparison.objects.create(
        run=run, before=evaluations[2], after=evaluations[3],
        numbers={
            "n": 200, "before": low, "after": high, "difference": gain, "low": gain - 0.04, "high": gain + 0.04,
            "p_value": 0.01, "p_improved": 0.99, "sign_flip_p": 0.01, "fixed": 20, "broken": 6, "unchanged": 174,
            "verdict": "improved" if gain > 0.04 else "undecided", "minimum_effect": 0.05, "more_examples": 100,
            "detectable": 0.08,
        },
    )  # fmt: skip
