"""What the pages of one worker share: its tabs, its period, its export."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from analytics.selectors.periods import PRESETS, Period, period_of
from analytics.selectors.stats import freshness
from optimizer_app.common.pages import page
from optimizer_app.models import Worker

TABS = {
    "trends": "Trends", "effect": "Before and after", "value": "Value", "costs": "Costs and latency", "watch": "Watch",
    "triggers": "Triggers", "canary": "Canary",
    "versus": "Compare", "checklist": "Checklist", "evaluations": "From elsewhere",
}  # fmt: skip


def worker_of(worker_id: int) -> Worker:
    """The worker with its active version and metric; 404 for none."""
    return get_object_or_404(Worker.objects.select_related("active_version", "metric"), pk=worker_id)


def asked_period(request: HttpRequest, default: str = "7d") -> Period:
    """The period in the address."""
    return period_of({key: str(value) for key, value in request.GET.items()}, default)


def worker_page(
    request: HttpRequest, worker: Worker, tab: str, *, period: Period | None = None, **context: Any
) -> HttpResponse:
    """A page of a worker's tabs; with a choice of periods where it looks at one."""
    return page(
        request, f"analytics/workers/{tab}.html", title=f"{worker.name}: {TABS[tab].lower()}", worker=worker, tab=tab,
        tabs=TABS, period=period, presets=PRESETS, fresh=freshness(), **context,
    )  # fmt: skip
