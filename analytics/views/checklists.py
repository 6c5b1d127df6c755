"""Is a worker ready for production?"""

from collections import Counter

from django.http import HttpRequest, HttpResponse

from analytics.selectors.checklist import checklist
from analytics.selectors.records import checklist_records
from analytics.views.exports import exported
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import needs


@needs(Capability.READ)
def checklist_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = worker_of(worker_id)
    if file := exported(request, f"worker-{worker_id}-checklist", lambda: checklist_records(worker)):
        return file
    checks = checklist(worker)
    counts = Counter(check.state for check in checks)
    return worker_page(request, worker, "checklist", checks=checks, counts=counts, total=len(checks))
