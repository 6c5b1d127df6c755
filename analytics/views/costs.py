"""Training against runtime, and whether a language model fits the worker's need."""

from django.http import HttpRequest, HttpResponse

from analytics.charts.values import histogram_figure
from analytics.selectors.costs import costs
from analytics.selectors.records import cost_records
from analytics.views.exports import exported
from analytics.views.workers import asked_period, worker_of, worker_page
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import needs


@needs(Capability.READ)
def costs_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker, period = worker_of(worker_id), asked_period(request)
    if file := exported(request, f"worker-{worker_id}-costs", lambda: cost_records(worker, period)):
        return file
    shown = costs(worker, period)
    bars = shown.whole.latency.histogram()
    return worker_page(
        request, worker, "costs", period=period, shown=shown,
        latency=histogram_figure(bars, unit="ms", limit=worker.latency_need_ms) if bars else None, bars=bars,
        paths=shown.whole.paths.most_common(),
    )  # fmt: skip
