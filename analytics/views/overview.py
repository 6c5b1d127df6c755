"""The front page."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from analytics.selectors.overview import ORDERS, PAGE, overview
from analytics.selectors.periods import PRESETS
from analytics.selectors.records import overview_records
from analytics.selectors.stats import freshness
from analytics.views.exports import exported
from analytics.views.workers import asked_period
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import fragment, needs, page


@needs(Capability.READ)
def overview_page(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the part that changes while runs are under way."""
    period = asked_period(request)
    if file := exported(request, "overview", lambda: overview_records(period)):
        return file
    order, search, at = request.GET.get("order", ""), request.GET.get("search", ""), request.GET.get("at", "")
    start = int(at) if at.isdecimal() and len(at) < 6 else 0
    shown = overview(period, order=order if order in ORDERS else "name", search=search, at=start)
    context: dict[str, Any] = {
        "shown": shown, "period": period, "presets": PRESETS, "orders": ORDERS, "order": order, "search": search,
        "at": start, "until": start + len(shown.lines), "earlier": max(0, start - PAGE), "fresh": freshness(),
    }  # fmt: skip
    if request.headers.get("HX-Request"):
        return fragment(request, "analytics/_overview.html", **context)
    return page(request, "analytics/overview.html", title="Overview", **context)
