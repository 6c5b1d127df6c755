"""What pages show, as flat records: for CSV, JSON and the API."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from analytics.compute.totals import Totals
from analytics.selectors.canaries import trial_of
from analytics.selectors.checklist import checklist
from analytics.selectors.costs import costs
from analytics.selectors.effects import offline_of, online_of
from analytics.selectors.evaluations import outside_evaluations
from analytics.selectors.history import history
from analytics.selectors.overview import overview
from analytics.selectors.periods import Period
from analytics.selectors.portfolio import portfolio
from analytics.selectors.roi import ledgers
from analytics.selectors.stats import series
from analytics.selectors.trends import course
from optimizer_app.models import Canary, Worker

Record = dict[str, Any]
MOST_CANARIES = 50
PROVED = ("before", "after", "difference", "low", "high", "n")
HIDDEN = frozenset({"stake", "events", "points"})


def overview_records(period: Period) -> list[Record]:
    """One for each worker."""
    shown = overview(period, most=None)
    return [
        {
            "worker": line.worker.name, "worker_id": line.worker.pk,
            "active_version": line.worker.active_version.number if line.worker.active_version else None,
            **flat(line.now), "p95_ms": line.p95, **flat(line.change, "change"),
            **{f"test_{key}": line.proof[key] for key in PROVED if line.proof},
            "spent_usd": line.ledger.spent_usd, "earned_usd": line.ledger.earned_usd,
        }
        for line in shown.lines
    ]  # fmt: skip


def series_records(worker: Worker, period: Period) -> list[Record]:
    """One for each bucket of a worker's charts."""
    return [{"start": p.start.isoformat(), **flat(p.totals)} for p in series(worker.pk, period)]


def trend_records(worker: Worker, period: Period) -> list[Record]:
    """One for each measure of a worker, this period against the one before, and one for each trend."""
    shown = course(worker, period)
    trends = [{**flat(slope), "label": f"Trend: {slope.label}"} for slope in shown.slopes]
    return [flat(line) for line in shown.lines] + trends


def effect_records(worker: Worker) -> list[Record]:
    """Offline comparisons, then each measure around each promotion."""
    offline = [{"where": "offline", **flat(one)} for one in offline_of(worker)]
    online = [
        {"where": "online", "at": one.at.isoformat(), "before": one.before, "after": one.after, **flat(line, "measure")}
        for one in online_of(worker)
        for line in one.lines
    ]
    return offline + online


def value_records(workers: Iterable[Worker]) -> list[Record]:
    """The ledger of each worker."""
    return [flat(ledger) for ledger in ledgers(list(workers))]


def portfolio_records() -> list[Record]:
    """Every ledger, by net value."""
    return [flat(ledger) for ledger in portfolio().ledgers]


def cost_records(worker: Worker, period: Period) -> list[Record]:
    """What each run took, and what calls of each version cost."""
    shown = costs(worker, period)
    runs = [{"of": f"run {run.run}", **flat(run)} for run in shown.runs]
    return runs + [{"of": f"calls of version {v.number}", **flat(v.totals)} for v in shown.versions]


def checklist_records(worker: Worker) -> list[Record]:
    """The production checklist."""
    return [flat(check) for check in checklist(worker)]


def history_records(worker: Worker | None) -> list[Record]:
    """Ended runs."""
    return [flat(run) for run in history(worker).runs]


def evaluation_records(worker: Worker) -> list[Record]:
    """Imported variants."""
    return [
        {"variant": e.variant, "n": e.n, "mean_score": e.mean_score, "source": e.source, "imported_by": e.imported_by}
        for e in outside_evaluations(worker)
    ]


def flat(told: object, prefix: str = "") -> Record:
    """A dataclass as one level of names and plain values; infinite numbers are empty."""
    if told is None:
        return {}
    if isinstance(told, Totals):
        return {_under(prefix, name): _plain(value) for name, value in _totals(told).items()}
    made: Record = {}
    for field in dataclasses.fields(told):  # type: ignore[arg-type]
        value = getattr(told, field.name)
        if field.name in HIDDEN or value is None:
            continue
        name = _under(prefix, field.name)
        if isinstance(value, Totals) or dataclasses.is_dataclass(value):
            made |= flat(value, name)
        elif not isinstance(value, Model):
            made[name] = _plain(value)
    return made


def _under(prefix: str, name: str) -> str:
    return f"{prefix}_{name}" if prefix else name


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if dataclasses.is_dataclass(value):
        return flat(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def _totals(totals: Totals) -> Record:
    success, score = totals.success, totals.score
    return {
        "calls": totals.calls, "failed": totals.calls - totals.successes,
        **{f"success{end}": value for end, value in zip(_ENDS, _of(success), strict=True)},
        "scored": totals.scored, **{f"score{end}": value for end, value in zip(_ENDS, _of(score), strict=True)},
        "p50_ms": totals.p50, "p95_ms": totals.p95, "p99_ms": totals.p99, "priced": totals.priced,
        "cost_usd": totals.cost_usd if totals.priced else None, "cost_per_call_usd": totals.cost_per_call,
        "tokens_in_per_call": totals.tokens_in_per_call, "tokens_out_per_call": totals.tokens_out_per_call,
        "errors": dict(totals.errors), "paths": dict(totals.paths),
    }  # fmt: skip


_ENDS = ("", "_low", "_high")


def _of(estimate: Any) -> tuple[float | None, float | None, float | None]:
    return (estimate.value, estimate.low, estimate.high) if estimate else (None, None, None)


def canary_records(worker: Worker) -> list[Record]:
    """Canaries, newest first, with both sides' numbers."""
    return [_canary(canary) for canary in worker.canaries.select_related("version", "against")[:MOST_CANARIES]]


def _canary(canary: Canary) -> Record:
    trial = trial_of(canary)
    found = trial.standing
    told: Record = {
        "version": canary.version.number, "against": canary.against.number, "share": canary.share,
        "status": canary.status, "why": canary.why, "calls": found.calls, "judged": found.judged,
        "guard_alarm": trial.alarm,
    }  # fmt: skip
    for side, tally in (("old", trial.old), ("new", trial.new)):
        told |= {f"{side}_calls": tally.success.n, f"{side}_success": tally.success.moments.mean}
        told |= {f"{side}_scored": tally.score.n, f"{side}_score": tally.score.moments.mean}
    for name, race in found.races.items():
        told |= {f"{name}_difference": race.difference, f"{name}_low": race.low, f"{name}_high": race.high}
    return told
