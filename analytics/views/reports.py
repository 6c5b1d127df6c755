"""Reports: sent every week, shared by link."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from analytics.forms.reports import LinkForm, PlanForm
from analytics.models import ReportPlan, SharedLink
from analytics.selectors.reports import report, report_plans, shared_links
from analytics.services.reports import link_make, link_of, link_revoke, report_plan, report_unplan
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page


@needs(Capability.READ)
def reports_page(request: HttpRequest) -> HttpResponse:
    planning, sharing = "plan" in request.POST, "share" in request.POST
    plan, link = PlanForm(request.POST if planning else None), LinkForm(request.POST if sharing else None)
    address = ""
    if request.method == "POST":
        actor_of(request).require(Capability.APPROVE)
    if planning and plan.is_valid():
        told = plan.cleaned_data
        if plan.submit(
            report_plan, told["worker"], by=actor_of(request), recipients=plan.addresses(), weekday=told["weekday"],
            hour=told["hour"],
        ):  # fmt: skip
            messages.success(request, "Planned.")
            return redirect("analytics:reports")
    if sharing and link.is_valid():
        told = link.cleaned_data
        if made := link.submit(link_make, told["worker"], by=actor_of(request), days=told["days"]):
            address = request.build_absolute_uri(reverse("analytics:shared", args=[made[1]]))
    return page(
        request, "analytics/reports.html", title="Reports", plan=plan, link=link, plans=report_plans(),
        links=shared_links(), address=address, now=timezone.now(), mail=bool(settings.EMAIL_HOST),
        zone=timezone.get_current_timezone_name(),
    )  # fmt: skip


@require_GET
@needs(Capability.READ)
def report_preview(request: HttpRequest) -> HttpResponse:
    return render(request, "analytics/report.html", {"shown": report(), "address": settings.PUBLIC_URL})


@require_POST
@needs(Capability.APPROVE)
def plan_delete(request: HttpRequest, plan_id: int) -> HttpResponse:
    report_unplan(get_object_or_404(ReportPlan, pk=plan_id), by=actor_of(request))
    return redirect("analytics:reports")


@require_POST
@needs(Capability.APPROVE)
def link_close(request: HttpRequest, link_id: int) -> HttpResponse:
    link_revoke(get_object_or_404(SharedLink, pk=link_id), by=actor_of(request))
    return redirect("analytics:reports")


@require_GET
def shared(request: HttpRequest, secret: str) -> HttpResponse:
    """For whoever has the address; nothing else opens with it."""
    link = link_of(secret)
    if link is None:
        raise Http404("This link is not open.")
    answer = render(request, "analytics/report.html", {"shown": report(link.worker), "link": link})
    answer["Cache-Control"] = "private, no-store"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    return answer
