"""Incidents: the list, and one of them with its timeline."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from analytics.charts.courses import Course, Mark, course_figure
from analytics.charts.theme import Figure
from analytics.forms.watching import IncidentNoteForm, SnoozeForm, VerdictForm
from analytics.models import Incident
from analytics.selectors.incident_courses import VALUES, incident_points, measure_of_signal
from analytics.selectors.messages import level_text
from analytics.selectors.watching import LABELS, incidents, together_with
from analytics.services.incidents import incident_acknowledge, incident_note, incident_resolve, incident_snooze
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.forms import ServiceForm
from optimizer_app.common.pages import fragment, needs, page

PER_PAGE, UNCHANGED = 50, 204
UNITS: dict[str, tuple[float, str]] = {
    "success": (100, "%"), "score": (100, "%"), "error_rate": (100, "%"), "latency_ms": (1, "ms, 95th percentile"),
    "cost": (1, "USD a call"), "traffic": (1, "calls"),
}  # fmt: skip
FORMS: dict[str, tuple[type[ServiceForm], Callable[..., Any]]] = {
    "resolve": (VerdictForm, incident_resolve), "note": (IncidentNoteForm, incident_note),
    "snooze": (SnoozeForm, incident_snooze),
}  # fmt: skip


@needs(Capability.READ)
def bell(request: HttpRequest) -> HttpResponse:
    """How many are not resolved, in the head of every page; 204 while that is what it shows."""
    count = incidents(unresolved=True).count()
    if request.GET.get("seen") == str(count):
        return HttpResponse(status=UNCHANGED)
    return fragment(request, "analytics/incidents/_bell.html", count=count)


@needs(Capability.READ)
def incident_list(request: HttpRequest) -> HttpResponse:
    unresolved = request.GET.get("all") is None
    found = Paginator(incidents(unresolved=unresolved), PER_PAGE).get_page(request.GET.get("page"))
    return page(
        request, "analytics/incidents/list.html", title="Incidents", found=found, labels=LABELS, unresolved=unresolved,
        query="" if unresolved else "&all=1",
    )  # fmt: skip


@needs(Capability.READ)
def incident_detail(request: HttpRequest, incident_id: int) -> HttpResponse:
    return _shown(request, _incident(incident_id))


@require_POST
@needs(Capability.OPERATE)
def incident_change(request: HttpRequest, incident_id: int, change: str) -> HttpResponse:
    incident, by = _incident(incident_id), actor_of(request)
    if change == "acknowledge":
        incident_acknowledge(incident, by=by)
        return redirect("analytics:incident", incident_id)
    if change not in FORMS:
        raise Http404(f"Nothing is called {change}.")
    kind, service = FORMS[change]
    form = kind(request.POST)
    if form.is_valid():
        form.submit(service, incident, by=by, **form.cleaned_data)
    if form.errors:
        return _shown(request, incident, **{change: form})
    return redirect("analytics:incident", incident_id)


def _shown(request: HttpRequest, incident: Incident, **bound: ServiceForm) -> HttpResponse:
    told = incident.evidence
    forms = {name: bound.get(name) or kind() for name, (kind, _) in FORMS.items()}
    return page(
        request, "analytics/incidents/detail.html", title=f"{incident}: {LABELS[incident.signal]} of {incident.worker}",
        incident=incident, label=LABELS[incident.signal], notes=incident.notes.all(), others=together_with(incident),
        forms=forms, baseline=level_text(incident, told["baseline"]), parts=incident.parts.select_related("worker"),
        first=None if told["level"] is None else level_text(incident, told["level"]),
        better=level_text(incident, told["corrected_level"]) if told.get("corrected_level") is not None else None,
        figure=_figure(incident), labels=LABELS,
        version=incident.worker.versions.filter(pk=incident.version).first(),
    )  # fmt: skip


def _figure(incident: Incident) -> Figure | None:
    """The course of what fell, with its beginning, the alarm and the end."""
    points, measure = incident_points(incident), measure_of_signal(incident.signal)
    if not points:
        return None
    factor, unit = UNITS[measure]
    values = [VALUES[measure](point.totals) for point in points]
    course = Course(
        LABELS[incident.signal], [point.start.isoformat() for point in points],
        [None if value is None else factor * value for value in values],
    )  # fmt: skip
    marks = [
        Mark(incident.began_at.isoformat(), 1, "until here all was well"),
        Mark(incident.noticed_at.isoformat(), 2, "noticed"),
    ]
    if incident.resolved_at:
        marks.append(Mark(incident.resolved_at.isoformat(), 3, "resolved"))
    last = max(points[-1].start, incident.resolved_at or incident.noticed_at)
    return course_figure([course], marks, unit=unit, between=(course.at[0], last.isoformat()))


def _incident(incident_id: int) -> Incident:
    return get_object_or_404(Incident.objects.select_related("worker", "part_of__worker"), pk=incident_id)
