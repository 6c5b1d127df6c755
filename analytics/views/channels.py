"""Channels: where word of incidents goes."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from analytics.forms.channels import FORMS
from analytics.models import Channel, Delivery
from analytics.services.channels import channel_delete, channel_save, channel_switch, channel_test
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page

NEWEST = 30


@needs(Capability.ADMIN)
def channel_list(request: HttpRequest) -> HttpResponse:
    newest = Delivery.objects.select_related("channel", "incident__worker", "news")[:NEWEST]
    return page(
        request, "analytics/channels/list.html", title="Channels", channels=Channel.objects.select_related("worker"),
        deliveries=newest, kinds=Channel.Kind.choices,
    )  # fmt: skip


@needs(Capability.ADMIN)
def channel_new(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in FORMS:
        raise Http404(f"There is no kind of channel called {kind}.")
    form = FORMS[kind](request.POST or None)
    if form.is_valid():
        told = form.cleaned_data
        made = form.submit(
            channel_save, None, by=actor_of(request), name=told["name"], kind=kind, worker=told["worker"],
            config=form.config(), **form.routing(),
        )  # fmt: skip
        if made:
            messages.success(request, f"{made.name} hears from now on. Try it with a test.")
            return redirect("analytics:channels")
    label = Channel.Kind(kind).label
    return page(request, "analytics/channels/form.html", title=f"New channel: {label}", form=form)


@require_POST
@needs(Capability.ADMIN)
def channel_change(request: HttpRequest, channel_id: int, change: str) -> HttpResponse:
    channel, by = get_object_or_404(Channel, pk=channel_id), actor_of(request)
    if change == "test":
        channel_test(channel, by=by)
        messages.success(request, "The test is on its way; its line below says what became of it.")
    elif change in ("on", "off"):
        channel_switch(channel, by=by, enabled=change == "on")
    elif change == "delete":
        channel_delete(channel, by=by)
    else:
        raise Http404(f"Nothing is called {change}.")
    return redirect("analytics:channels")
