"""Silences: times in which nobody is told."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from analytics.forms.silences import SilenceForm
from analytics.models import Silence
from analytics.services.silences import silence_end, silence_make
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page

NEWEST = 30


@needs(Capability.READ)
def silences_page(request: HttpRequest) -> HttpResponse:
    form = SilenceForm(request.POST or None)
    if request.method == "POST":
        actor_of(request).require(Capability.OPERATE)
    made = form.submit(silence_make, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if made:
        messages.success(request, "Nobody is told in this time. Incidents show here all the same.")
        return redirect("analytics:silences")
    return page(
        request, "analytics/incidents/silences.html", title="Silences", form=form, now=timezone.now(),
        silences=Silence.objects.select_related("worker")[:NEWEST], zone=timezone.get_current_timezone_name(),
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def silence_over(request: HttpRequest, silence_id: int) -> HttpResponse:
    silence_end(get_object_or_404(Silence, pk=silence_id), by=actor_of(request))
    return redirect("analytics:silences")
