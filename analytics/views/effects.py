"""Before and after of a worker: offline and online, side by side and never mixed."""

from django.http import HttpRequest, HttpResponse

from analytics.charts.values import forest_figure
from analytics.selectors.effects import offline_of, online_of
from analytics.selectors.records import effect_records
from analytics.views.exports import exported
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import needs


@needs(Capability.READ)
def effect_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = worker_of(worker_id)
    if file := exported(request, f"worker-{worker_id}-before-after", lambda: effect_records(worker)):
        return file
    offline = offline_of(worker)
    rows = [
        (f"run {o.run}: v{o.before} → {f'v{o.after}' if o.after else 'none'}", o.difference, o.low, o.high)
        for o in offline
    ]
    return worker_page(
        request,
        worker,
        "effect",
        offline=offline,
        online=online_of(worker),
        forest=forest_figure(rows) if rows else None,
    )
