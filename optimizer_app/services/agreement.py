"""How a metric agrees with another one and with people, on answers that were really given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Evaluation, ExampleScore, Metric, Split, Worker
from optimizer_app.services.metrics import rescore

SHOWN = 30
HALF = 0.5  # a score from here on counts as right where the other side says only right or wrong


@dataclass(frozen=True)
class Answer:
    """One answer under the metric, the other metric and people."""

    row: ExampleScore
    score: float
    other: float | None
    right: bool | None


@dataclass(frozen=True)
class Agreement:
    """`share` of `n` answers on which both say the same of right and wrong, and Cohen's kappa of it (1 is perfect,
    0 is chance; None when one side always says the same). `rank` is Spearman's correlation of the scores."""

    n: int
    share: float
    kappa: float | None
    rank: float | None


@dataclass(frozen=True)
class AgreementPage:
    """What the metric page shows of agreement."""

    answers: list[Answer]
    with_other: Agreement | None
    with_people: Agreement | None


def agreement_page(metric: Metric, worker: Worker, other: Metric | None, *, by: Actor) -> AgreementPage:
    """Score the newest answers of a worker on its test split. Asks the judge, if any, for every answer."""
    by.require(Capability.OPERATE)
    rows = _newest_answers(worker)
    if not rows:
        raise Refused(f"{worker.name} has no evaluated answers yet; a run makes them.")
    outputs = list(rows[0].example.outputs)
    for one in (metric, *([other] if other else [])):
        if one.field and one.field not in outputs:
            raise Refused(f"{one.name} scores the field “{one.field}”; {worker.name} gives {', '.join(outputs)}.")
    own = rescore(metric, rows)
    others: Sequence[float | None] = rescore(other, rows) if other else [None] * len(rows)
    people = [_verdict(row) for row in rows]
    answers = [Answer(*parts) for parts in zip(rows, own, others, people, strict=True)]
    judged = [(answer.score, float(answer.right)) for answer in answers if answer.right is not None]
    compared = [(answer.score, answer.other) for answer in answers if answer.other is not None]
    return AgreementPage(
        answers,
        agreement([a for a, _ in compared], [b for _, b in compared]) if compared else None,
        agreement([a for a, _ in judged], [b for _, b in judged]) if judged else None,
    )


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Agreement of two lists of scores in [0, 1] on the same answers; needs at least one.

    Cohen (1960) for kappa on right and wrong, Spearman for the scores themselves.
    """
    n = len(first)
    left, right = [value >= HALF for value in first], [value >= HALF for value in second]
    share = sum(a == b for a, b in zip(left, right, strict=True)) / n
    p, q = sum(left) / n, sum(right) / n
    chance = p * q + (1 - p) * (1 - q)
    kappa = (share - chance) / (1 - chance) if chance < 1 else None
    return Agreement(n, share, kappa, _spearman(first, second))


def _newest_answers(worker: Worker) -> list[ExampleScore]:
    newest = Evaluation.objects.filter(run__worker=worker, split=Split.TEST).order_by("-id").first()
    if newest is None:
        return []
    rows = newest.scores.select_related("example").prefetch_related("verdicts").order_by("example__content_hash")
    return list(rows[:SHOWN])


def _verdict(row: ExampleScore) -> bool | None:
    """What most people say; None without a majority."""
    said = [verdict.right for verdict in row.verdicts.all()]
    return None if said.count(True) == said.count(False) else said.count(True) > said.count(False)


def _spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    a, b = _ranks(first), _ranks(second)
    mean = (len(a) + 1) / 2
    left, right = math.fsum((x - mean) ** 2 for x in a), math.fsum((y - mean) ** 2 for y in b)
    if not left or not right:
        return None
    return math.fsum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True)) / math.sqrt(left * right)


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1, equal values share their mean rank."""
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in set(values)}
    return [first[value] + (ordered.count(value) + 1) / 2 for value in values]
