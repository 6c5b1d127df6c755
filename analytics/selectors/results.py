"""What the before/after page shows of a finished run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from django.db.models import F, QuerySet

from analytics.compute.paired import LENGTH, Change
from optimizer_app.models import Comparison, Evaluation, Example, ExampleScore, Run, Split
from optimizer_app.selectors.versions import StepChange, version_changes

MOST_SLICED = 3_000  # examples are encrypted and opened one by one
MOST_VALUES, SOURCE = 12, "source"
LEAST_SLICED = 30
OUTCOMES = {"fixed": "Fixed", "broken": "Broken", "unchanged": "Unchanged"}


@dataclass(frozen=True)
class CostLine:
    """One row of the cost table: what it is, before, after. `kind` names the filter that shows it."""

    label: str
    kind: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Result:
    """A run's before/after."""

    run: Run
    comparison: Comparison
    evaluations: dict[str, dict[str, Evaluation]]  # split -> role -> evaluation
    changes: list[StepChange]

    @property
    def numbers(self) -> dict[str, Any]:
        numbers: dict[str, Any] = self.comparison.numbers
        return numbers

    @property
    def gains(self) -> dict[str, float]:
        """split -> gain of the winner over the baseline."""
        return {
            split: roles[Evaluation.Role.WINNER].mean_score - roles[Evaluation.Role.BASELINE].mean_score
            for split, roles in self.evaluations.items()
        }

    @property
    def overfit(self) -> float:
        """How much of the validation gain does not show on the test split; positive means overfit."""
        return self.gains[Split.VALIDATION] - self.gains[Split.TEST]

    @property
    def unmeasured(self) -> int:
        """Test examples whose answers came from the cache of an interrupted attempt: no time, no tokens."""
        return max(e.n - e.measured for e in (self.comparison.before, self.comparison.after))

    @property
    def costs(self) -> list[CostLine]:
        """Per-call costs on the test split. Runtime only: what the optimization itself cost stands apart."""
        before, after = self.comparison.before, self.comparison.after
        pair = (before, after)
        return [
            CostLine("Prompt tokens per call", "count", *(_each(side, side.tokens_in) for side in pair)),
            CostLine("Output tokens per call", "count", *(_each(side, side.tokens_out) for side in pair)),
            CostLine("Cost per 1,000 calls", "money", *(_each(side, side.cost_usd, 1000) for side in pair)),
            CostLine("Latency, median", "time", before.latency_p50_ms, after.latency_p50_ms),
            CostLine("Latency, 95th percentile", "time", before.latency_p95_ms, after.latency_p95_ms),
            CostLine("Failed examples", "count", before.errors, after.errors),
        ]


@dataclass(frozen=True)
class ExamplePair:
    """One test example under both versions."""

    example: Example
    before: ExampleScore
    after: ExampleScore

    @property
    def outcome(self) -> str:
        change = self.after.score - self.before.score
        return "fixed" if change > 0 else "broken" if change < 0 else "unchanged"


def result(comparison: Comparison) -> Result:
    """The comparison with both evaluations of each split and what changed in the prompt."""
    run = comparison.run
    evaluations: dict[str, dict[str, Evaluation]] = {}
    for evaluation in run.evaluations.order_by("-split", "role"):
        evaluations.setdefault(evaluation.split, {})[evaluation.role] = evaluation
    return Result(run, comparison, evaluations, version_changes(run.baseline, run.winner or run.baseline))


def outcome_scores(comparison: Comparison, outcome: str = "") -> QuerySet[ExampleScore]:
    """The winner's test scores with the baseline's score as `before_score`, of one outcome or all."""
    scores = ExampleScore.objects.filter(evaluation=comparison.after, example__scores__evaluation=comparison.before)
    scores = scores.annotate(before_score=F("example__scores__score")).select_related("example").order_by("id")
    if outcome == "fixed":
        return scores.filter(score__gt=F("before_score"))
    if outcome == "broken":
        return scores.filter(score__lt=F("before_score"))
    return scores.filter(score=F("before_score")) if outcome == "unchanged" else scores


def pairs(comparison: Comparison, after: list[ExampleScore]) -> Iterator[ExamplePair]:
    """Both sides of the given examples; one query for all of them."""
    examples = [score.example_id for score in after]
    before = {s.example_id: s for s in comparison.before.scores.filter(example_id__in=examples)}
    for score in after:
        yield ExamplePair(score.example, before[score.example_id], score)


def result_changes(comparison: Comparison) -> list[Change]:
    """Every test example's change, with the groups it is in: its expected label, how long its input is, the values of
    inputs that have only a few, and where it came from."""
    labels = [field.name for field in comparison.run.worker.spec().outputs if field.type in ("enum", "bool")]
    rows = list(outcome_scores(comparison))
    if len(rows) > MOST_SLICED:
        return []
    lengths = {row.pk: sum(len(str(value)) for value in row.example.inputs.values()) for row in rows}
    cuts = quantiles(lengths.values(), n=3) if len(rows) > LEAST_SLICED else None
    few = _few([{**row.example.inputs, SOURCE: row.example.source} for row in rows])
    return [
        Change(
            str(row.example_id), row.before_score, row.score,  # type: ignore[attr-defined]
            {name: str(row.example.outputs.get(name, "")) for name in labels[:1]}
            | ({LENGTH: _third(lengths[row.pk], cuts)} if cuts else {})
            | {name: told[number] for name, told in few.items()},
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip


def _few(rows: Sequence[Mapping[str, object]]) -> dict[str, list[str]]:
    """What has from two to MOST_VALUES different values over all rows, in their order: kinds, languages, sources."""
    told = {name: [str(row.get(name, "")) for row in rows] for name in (rows[0] if rows else ())}
    return {name: values for name, values in told.items() if 1 < len(set(values)) <= MOST_VALUES}


def _third(length: int, cuts: list[float]) -> str:
    short, long = cuts
    return (
        f"up to {short:.0f} characters"
        if length <= short
        else (f"{short:.0f} to {long:.0f} characters" if length <= long else f"over {long:.0f} characters")
    )


def _each(evaluation: Evaluation, total: float | None, calls: int = 1) -> float | None:
    """A total per measured example; None when it is unknown or nothing was measured."""
    return None if total is None or not evaluation.measured else calls * total / evaluation.measured
