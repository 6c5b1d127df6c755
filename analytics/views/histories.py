"""The history of runs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from analytics.charts.values import gain_cost_figure
from analytics.selectors.history import history
from analytics.selectors.records import history_records
from analytics.views.exports import exported
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import needs, page
from optimizer_app.models import Worker


@needs(Capability.READ)
def history_page(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("worker", "")
    worker = get_object_or_404(Worker, name=asked) if asked else None
    if file := exported(request, "runs", lambda: history_records(worker)):
        return file
    shown = history(worker)
    points = [
        (run.cost.optimizer, run.cost.usd, run.gain, run.low, run.high, f"run {run.cost.run}")
        for run in shown.runs
        if run.cost.usd is not None and run.gain is not None and run.low is not None and run.high is not None
    ]
    cost = any(point[1] for point in points)
    return page(
        request, "analytics/history.html", title="History of runs", shown=shown, worker=worker,
        workers=Worker.objects.values_list("name", flat=True), figure=gain_cost_figure(points) if cost else None,
    )  # fmt: skip
