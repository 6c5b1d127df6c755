"""Two sides of a worker against each other."""

from django.http import HttpRequest, HttpResponse

from analytics.selectors.offline import label_of, offline, tests_of
from analytics.selectors.periods import period_of
from analytics.selectors.records import flat
from analytics.selectors.versus import versus
from analytics.views.exports import exported
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import needs


@needs(Capability.READ)
def versus_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker, asked = worker_of(worker_id), request.GET
    sides = [
        (asked.get(f"{side}_version", ""), period_of({
            "period": asked.get(f"{side}_period", ""), "from": asked.get(f"{side}_from", ""),
            "to": asked.get(f"{side}_to", ""),
        }))
        for side in "ab"
    ]  # fmt: skip
    if "a_period" not in asked and "a_from" not in asked:  # until asked otherwise: the week before this one
        before = sides[0][1].previous
        dates = {"from": before.start.date().isoformat(), "to": before.last.date().isoformat()}
        sides[0] = (sides[0][0], period_of(dates))
    shown = versus(worker, sides[0], sides[1])
    if file := exported(request, f"worker-{worker_id}-compared", lambda: [flat(line) for line in shown.lines]):
        return file
    numbers = worker.versions.order_by("-number").values_list("number", flat=True)[:200]
    tests = tests_of(worker)
    return worker_page(
        request, worker, "versus", shown=shown, numbers=numbers, tests=[(test.pk, label_of(test)) for test in tests],
        offline=offline(tests, asked.get("a_test", ""), asked.get("b_test", "")),
    )  # fmt: skip
