"""The front page."""

from django.http import HttpRequest, HttpResponse

from analytics.selectors.overview import overview
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import fragment, needs, page


@needs(Capability.READ)
def overview_page(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the part that changes while runs are under way."""
    shown = overview()
    if request.headers.get("HX-Request"):
        return fragment(request, "analytics/_overview.html", shown=shown)
    return page(request, "analytics/overview.html", title="Overview", shown=shown)
