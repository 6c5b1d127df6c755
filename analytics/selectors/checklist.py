"""Is a worker ready for production? Computed from what is stored, never ticked by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.urls import reverse

from analytics.compute.latency_fit import latency_fit
from analytics.compute.totals import Totals
from analytics.models import WorkerValue
from analytics.selectors.periods import period_of
from analytics.selectors.stats import daily_rates, totals_by_version
from optimizer_app.models import Comparison, DatasetVersion, Evaluation, Run, Split, Verdict, Worker
from optimizer_app.selectors.datasets import dataset_versions_for
from optimizer_app.selectors.workers import rollback_target

State = Literal["ok", "warn", "stop"]
ENOUGH_TEST = 150  # examples: a gain of 10 points shows with 80 % power if a fifth of the answers change
LEAST_TEST = 50
MOST_LOOKS = 10  # comparisons on one sealed split before it is worn
ENOUGH_VERDICTS = 20
PINNED = 0.95
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it stands, what was found, and where to mend it."""

    name: str
    state: State
    found: str
    link: str
    link_text: str


@dataclass(frozen=True)
class _Facts:
    worker: Worker
    version: DatasetVersion | None
    newest_run: Run | None
    calls: Totals
    by_version: dict[int, Totals]
    per_day: float


def checklist(worker: Worker) -> list[Check]:
    """Every check, in the order in which one would set things up."""
    by_version = totals_by_version(worker.pk, period_of({"period": "7d"}))
    whole = Totals()
    for part in by_version.values():
        whole.merge(part)
    facts = _Facts(
        worker=worker,
        version=dataset_versions_for(worker).first(),
        newest_run=worker.runs.order_by("-id").first(),
        calls=whole,
        by_version=by_version,
        per_day=daily_rates([worker.pk]).get(worker.pk, 0.0),
    )
    return [check(facts) for check in CHECKS]


def _metric(facts: _Facts) -> Check:
    metric = facts.worker.metric
    link = (reverse("optimizer:metric-detail", args=[metric.pk]), "Metric")
    if not metric.spec().judges:
        return Check("Metric", "ok", f"{metric.name} computes its score; it needs no judge.", *link)
    verdicts = Verdict.objects.filter(score__evaluation__run__metric=metric).count()
    state: State = "ok" if verdicts >= ENOUGH_VERDICTS else "warn"
    told = (
        f"{metric.name} asks a language model; people judged {verdicts} of its answers, {ENOUGH_VERDICTS} are enough."
    )
    return Check("Metric agrees with people", state, told, *link)


def _baseline(facts: _Facts) -> Check:
    link = (reverse("optimizer:run-new", args=[facts.worker.pk]), "Optimize")
    tests = Evaluation.objects.filter(run__worker=facts.worker, role=Evaluation.Role.BASELINE, split=Split.TEST)
    found = tests.order_by("-id").first()
    if found is None:
        return Check("Baseline measured", "stop", "No run has measured it yet.", *link)
    return Check("Baseline measured", "ok", f"{100 * found.mean_score:.1f} % on {found.n} test examples.", *link)


def _data(facts: _Facts) -> Check:
    if facts.version is None:
        link = (reverse("admin:optimizer_app_dataset_changelist"), "Datasets")
        return Check("Enough sealed test data", "stop", "No dataset version with its fields is frozen.", *link)
    link = (reverse("optimizer:dataset-version", args=[facts.version.pk]), str(facts.version))
    n = facts.version.counts.get(Split.TEST, 0)
    state: State = "ok" if n >= ENOUGH_TEST else "warn" if n >= LEAST_TEST else "stop"
    told = f"{n} sealed test examples; from {ENOUGH_TEST} on, a gain of 10 points shows."
    return Check("Enough sealed test data", state, told, *link)


def _looks(facts: _Facts) -> Check:
    link = (reverse("analytics:effect", args=[facts.worker.pk]), "Before and after")
    looks = Comparison.objects.filter(run__dataset_version=facts.version).count() if facts.version else 0
    state: State = "ok" if looks <= MOST_LOOKS else "warn"
    told = f"Comparisons on its test split: {looks}. After more than {MOST_LOOKS}, freeze new test examples."
    return Check("Test split not worn", state, told, *link)


def _leakage(facts: _Facts) -> Check:
    if facts.version is None:
        link = (reverse("admin:optimizer_app_dataset_changelist"), "Datasets")
        return Check("Quality of the data", "stop", "There is no data.", *link)
    link = (reverse("optimizer:dataset-quality", args=[facts.version.dataset_id]), "Quality report")
    report = getattr(facts.version.dataset, "quality", None)
    if report is None or report.made_at is None:
        return Check("Quality of the data", "warn", "No quality report was made.", *link)
    stops = sum(finding.get("state") == "stop" for finding in report.findings)
    told = f"{len(report.findings)} checks of {report.examples:,} examples, {stops} of them bad."
    return Check("Quality of the data", "stop" if stops else "ok", told, *link)


def _pinned(facts: _Facts) -> Check:
    link = (reverse("analytics:costs", args=[facts.worker.pk]), "Calls by version")
    calls = facts.calls.calls
    if not calls:
        return Check("Version pinned", "warn", "No call in the last 7 days.", *link)
    named = sum(part.calls for version, part in facts.by_version.items() if version) / calls
    told = f"{100 * named:.0f} % of {calls:,} calls in 7 days named the version that answered."
    return Check("Version pinned", "ok" if named >= PINNED else "warn", told, *link)


def _monitored(facts: _Facts) -> Check:
    link = (reverse("analytics:trends", args=[facts.worker.pk]), "Trends")
    calls, scored = facts.calls.calls, facts.calls.scored
    state: State = "ok" if scored else "warn" if calls else "stop"
    told = f"{calls:,} calls in 7 days were recorded, {scored:,} of them with a score."
    return Check("Calls recorded and scored", state, told, *link)


def _rollback(facts: _Facts) -> Check:
    link = (reverse("optimizer:worker-detail", args=[facts.worker.pk]), "Worker")
    target, active = rollback_target(facts.worker), facts.worker.active_version
    if active is not None and active.is_baseline:
        return Check("Rollback ready", "ok", "The baseline is active; there is nothing to roll back.", *link)
    if target is None:
        return Check("Rollback ready", "stop", "No earlier version is known.", *link)
    return Check("Rollback ready", "ok", f"One click goes back to version {target.number}.", *link)


def _privacy(facts: _Facts) -> Check:
    link = (reverse("optimizer:collection", args=[facts.worker.pk]), "Collection")
    told = facts.worker.privacy
    open_fields = [name for name, rule in told.get("fields", {}).items() if rule == "capture"]
    if told.get("default") == "capture":
        return Check("Personal data", "warn", "Everything is stored as it is.", *link)
    if open_fields:
        return Check("Personal data", "warn", f"Stored as they are: {', '.join(open_fields)[:100]}.", *link)
    return Check("Personal data", "ok", "Replaced before anything is stored.", *link)


def _cap(facts: _Facts) -> Check:
    link = (reverse("optimizer:run-new", args=[facts.worker.pk]), "Optimize")
    run = facts.newest_run
    if run is None:
        return Check("Cost cap", "warn", "No run yet; give the first one a budget.", *link)
    capped = any(limit is not None for limit in run.settings.get("budget", {}).values())
    told = "had a budget." if capped else "had no budget."
    return Check("Cost cap", "ok" if capped else "warn", f"The newest run {told}", *link)


def _value(facts: _Facts) -> Check:
    link = (reverse("analytics:value", args=[facts.worker.pk]), "Value")
    known = WorkerValue.objects.filter(worker=facts.worker, correct_usd__isnull=False).exists()
    told = "is said." if known else "is not said, so no return can be computed."
    return Check("Value of an answer", "ok" if known else "warn", f"What a correct answer is worth {told}", *link)


def _latency(facts: _Facts) -> Check:
    link = (reverse("analytics:costs", args=[facts.worker.pk]), "Latency fit")
    found = latency_fit(facts.worker.latency_need_ms, facts.calls.latency, facts.per_day)
    state: State = "ok" if found.fit == "fits" else "stop" if found.fit == "static" else "warn"
    return Check("Latency fits the need", state, f"{'; '.join(found.reasons).removesuffix('.')}.", *link)


CHECKS: tuple[Callable[[_Facts], Check], ...] = (
    _metric, _data, _leakage, _baseline, _looks, _privacy, _cap, _value, _monitored, _pinned, _latency, _rollback,
)  # fmt: skip
