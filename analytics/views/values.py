"""Was it worth it: one worker's ledger, and the portfolio."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from analytics.charts.values import break_even_figure
from analytics.compute.roi import course
from analytics.forms.values import ValueForm, WhatIfForm
from analytics.models import WorkerValue
from analytics.selectors.portfolio import portfolio
from analytics.selectors.records import portfolio_records, value_records
from analytics.selectors.roi import ledgers, with_changes
from analytics.services.values import value_set
from analytics.views.exports import exported
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page

WHAT_IF = ("value", "per_day", "cost")
FIELDS = ("correct_usd", "second_usd", "person_hours", "person_hour_usd", "compute_hour_usd", "horizon_days")


@needs(Capability.READ)
def value_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = worker_of(worker_id)
    if file := exported(request, f"worker-{worker_id}-value", lambda: value_records([worker])):
        return file
    kept = WorkerValue.objects.filter(worker=worker).first() or WorkerValue(worker=worker)
    form = ValueForm(request.POST or None, initial={name: getattr(kept, name) for name in FIELDS})
    if request.method == "POST":
        actor_of(request).require(Capability.APPROVE)
        saved = form.submit(value_set, worker, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
        if saved:
            messages.success(request, "Saved. The ledger is computed with it from now on.")
            return redirect("analytics:value", worker_id)
    ledger = ledgers([worker])[0]
    now = {name: getattr(ledger.stake, name) for name in WHAT_IF}
    asked = WhatIfForm.around(now, request.GET if set(WHAT_IF) & set(request.GET) else None)
    changed = with_changes(ledger, **asked.cleaned_data) if asked.is_bound and asked.is_valid() else None
    shown = changed or ledger
    return worker_page(
        request, worker, "value", ledger=ledger, shown=shown, what_if=changed is not None, form=form,
        asked=asked,
        break_even=break_even_figure(course(shown.stake)) if shown.worth else None,
    )  # fmt: skip


@needs(Capability.READ)
def portfolio_page(request: HttpRequest) -> HttpResponse:
    if file := exported(request, "portfolio", portfolio_records):
        return file
    return page(request, "analytics/portfolio.html", title="Value of all workers", shown=portfolio())
