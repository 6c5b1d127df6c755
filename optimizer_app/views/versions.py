"""Pages of program versions."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.engine.spec import ASSEMBLED, TUNED
from optimizer_app.forms.workers import ReasonForm
from optimizer_app.models import ProgramVersion
from optimizer_app.services.versions import version_promote


@needs(Capability.READ)
def version_detail(request: HttpRequest, version_id: int) -> HttpResponse:
    related = ("worker__active_version", "run", "artifact")
    version = get_object_or_404(ProgramVersion.objects.select_related(*related), pk=version_id)
    evaluations = version.evaluations.select_related("run__dataset_version__dataset").order_by("-id")[:10]
    return page(
        request, "optimizer_app/versions/detail.html", title=str(version), version=version, evaluations=evaluations,
        active=version.worker.active_version_id == version.pk, tuned=version.state.get(TUNED),
        assembled=version.state.get(ASSEMBLED),
        prompts={name: step for name, step in version.state.items() if name not in (TUNED, ASSEMBLED)},
    )  # fmt: skip


@require_POST
@needs(Capability.APPROVE)
def version_promote_now(request: HttpRequest, version_id: int) -> HttpResponse:
    version = get_object_or_404(ProgramVersion.objects.select_related("worker"), pk=version_id)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    version_promote(version, by=actor_of(request), reason=reason)
    messages.success(request, f"{version} is active: it answers calls from now on.")
    return redirect("optimizer:worker-detail", version.worker_id)
