"""Every number of the measuring pages. Shares and scores are between 0 and 1, money in USD, times in UTC."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from analytics.compute.paired import Comparison
from analytics.selectors import records
from analytics.selectors.evaluations import compare_outside
from analytics.selectors.periods import Period, period_of
from analytics.selectors.stats import freshness
from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import Worker

router = Router(tags=["measures"])


class PeriodIn(Schema):
    """A preset (3h, 24h, 7d, 30d, 90d, 365d), or UTC days from and to."""

    period: str = "7d"
    from_: str = Field("", alias="from")
    to: str = ""

    def read(self) -> Period:
        return period_of({"period": self.period, "from": self.from_, "to": self.to})


class Measured(Schema):
    """Flat records, as the CSV and JSON exports of the page have them. What is not known is null or left out."""

    as_of: datetime | None
    records: list[dict[str, Any]]


class ComparedOut(Schema):
    """Paired, after minus before; `low` and `high` are the 95 % interval."""

    before: str
    after: str
    n: int
    mean_before: float
    mean_after: float
    difference: float
    low: float
    high: float
    p: float
    p_sign_flip: float
    p_improved: float
    fixed: int
    broken: int
    unchanged: int
    verdict: str
    more_examples: int


def _answer(request: HttpRequest, found: list[records.Record]) -> dict[str, Any]:
    return {"as_of": freshness().as_of, "records": found}


def _worker(request: HttpRequest, worker_id: int) -> Worker:
    caller(request).require(Capability.READ)
    return get_object_or_404(Worker.objects.select_related("active_version", "metric"), pk=worker_id)


@router.get("/overview", response=Measured, operation_id="measures_overview", summary="Every worker on one line")
def measures_overview(request: HttpRequest, asked: Query[PeriodIn]) -> dict[str, Any]:
    caller(request).require(Capability.READ)
    return _answer(request, records.overview_records(asked.read()))


@router.get("/portfolio", response=Measured, operation_id="measures_portfolio", summary="Every worker's ledger")
def measures_portfolio(request: HttpRequest) -> dict[str, Any]:
    caller(request).require(Capability.READ)
    return _answer(request, records.portfolio_records())


@router.get("/runs", response=Measured, operation_id="measures_runs", summary="Ended runs: gain, cost, quote")
def measures_runs(request: HttpRequest, worker_id: int | None = None) -> dict[str, Any]:
    caller(request).require(Capability.READ)
    worker = _worker(request, worker_id) if worker_id is not None else None
    return _answer(request, records.history_records(worker))


@router.get(
    "/workers/{worker_id}/series", response=Measured, operation_id="measures_series", summary="Course over time"
)
def measures_series(request: HttpRequest, worker_id: int, asked: Query[PeriodIn]) -> dict[str, Any]:
    return _answer(request, records.series_records(_worker(request, worker_id), asked.read()))


@router.get(
    "/workers/{worker_id}/trends", response=Measured, operation_id="measures_trends",
    summary="The period against the one before, and trends",
)  # fmt: skip
def measures_trends(request: HttpRequest, worker_id: int, asked: Query[PeriodIn]) -> dict[str, Any]:
    return _answer(request, records.trend_records(_worker(request, worker_id), asked.read()))


@router.get(
    "/workers/{worker_id}/before-after", response=Measured, operation_id="measures_before_after",
    summary="Before and after, offline and online",
)  # fmt: skip
def measures_before_after(request: HttpRequest, worker_id: int) -> dict[str, Any]:
    return _answer(request, records.effect_records(_worker(request, worker_id)))


@router.get("/workers/{worker_id}/value", response=Measured, operation_id="measures_value", summary="A worker's ledger")
def measures_value(request: HttpRequest, worker_id: int) -> dict[str, Any]:
    return _answer(request, records.value_records([_worker(request, worker_id)]))


@router.get(
    "/workers/{worker_id}/costs", response=Measured, operation_id="measures_costs", summary="Training against runtime"
)
def measures_costs(request: HttpRequest, worker_id: int, asked: Query[PeriodIn]) -> dict[str, Any]:
    return _answer(request, records.cost_records(_worker(request, worker_id), asked.read()))


@router.get(
    "/workers/{worker_id}/checklist", response=Measured, operation_id="measures_checklist",
    summary="The production checklist",
)  # fmt: skip
def measures_checklist(request: HttpRequest, worker_id: int) -> dict[str, Any]:
    return _answer(request, records.checklist_records(_worker(request, worker_id)))


@router.get(
    "/workers/{worker_id}/canaries", response=Measured, operation_id="measures_canaries",
    summary="Versions on trial, now and before",
)  # fmt: skip
def measures_canaries(request: HttpRequest, worker_id: int) -> dict[str, Any]:
    return _answer(request, records.canary_records(_worker(request, worker_id)))


@router.get(
    "/workers/{worker_id}/evaluations", response=Measured, operation_id="measures_evaluations",
    summary="Variants that were evaluated elsewhere",
)  # fmt: skip
def measures_evaluations(request: HttpRequest, worker_id: int) -> dict[str, Any]:
    return _answer(request, records.evaluation_records(_worker(request, worker_id)))


@router.get(
    "/workers/{worker_id}/evaluations/compare", response=ComparedOut, operation_id="measures_evaluations_compare",
    summary="Two such variants on the same examples",
)  # fmt: skip
def measures_evaluations_compare(request: HttpRequest, worker_id: int, before: str, after: str) -> dict[str, Any]:
    found = compare_outside(_worker(request, worker_id), before, after)
    return {"before": before, "after": after, **compared(found.numbers)}


def compared(numbers: Comparison) -> dict[str, Any]:
    """A paired comparison under the names of the API."""
    told = {name: getattr(numbers, name) for name in _SAME}
    return told | {
        "mean_before": numbers.before, "mean_after": numbers.after, "p": numbers.p_value,
        "p_sign_flip": numbers.sign_flip_p,
    }  # fmt: skip


_SAME = (
    "n", "difference", "low", "high", "p_improved", "fixed", "broken", "unchanged", "verdict", "more_examples",
)  # fmt: skip
