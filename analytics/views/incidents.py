"""Incidents: the list, and one of them with its timeline."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from analytics.forms.watching import IncidentNoteForm, SnoozeForm, VerdictForm
from analytics.models import Incident
from analytics.selectors.watching import LABELS, incidents, together_with
from analytics.services.incidents import incident_acknowledge, incident_note, incident_resolve, incident_snooze
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.forms import ServiceForm
from optimizer_app.common.pages import needs, page

PER_PAGE = 50
FORMS: dict[str, tuple[type[ServiceForm], Callable[..., Any]]] = {
    "resolve": (VerdictForm, incident_resolve), "note": (IncidentNoteForm, incident_note),
    "snooze": (SnoozeForm, incident_snooze),
}  # fmt: skip


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
    forms = {name: bound.get(name) or kind() for name, (kind, _) in FORMS.items()}
    return page(
        request, "analytics/incidents/detail.html", title=f"{incident}: {LABELS[incident.signal]} of {incident.worker}",
        incident=incident, label=LABELS[incident.signal], notes=incident.notes.all(), others=together_with(incident),
        shares=incident.signal in ("success", "score"), forms=forms,
        version=incident.worker.versions.filter(pk=incident.version).first(),
    )  # fmt: skip


def _incident(incident_id: int) -> Incident:
    return get_object_or_404(Incident.objects.select_related("worker"), pk=incident_id)
