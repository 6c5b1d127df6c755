"""Pages of metrics."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.engine.metrics import COMPOSITE, JUDGE, metric_kinds
from optimizer_app.forms.metrics import AgreementForm, JudgeForm, MetricForm, PartFormSet, TryForm
from optimizer_app.forms.parameters import ParametersForm
from optimizer_app.models import ExampleScore, Metric
from optimizer_app.services.agreement import agreement_page
from optimizer_app.services.metrics import metric_create, metric_try, verdict_set

TRIED = 8


@needs(Capability.READ)
def metric_detail(request: HttpRequest, metric_id: int) -> HttpResponse:
    metric = get_object_or_404(Metric.objects.select_related("judge"), pk=metric_id)
    form = TryForm(request.GET if "dataset" in request.GET else None)
    compare = AgreementForm(request.GET if "worker" in request.GET else None)
    trials = agreed = None
    if form.is_valid():
        examples = form.cleaned_data["dataset"].examples.all()[:TRIED]
        trials = form.submit(metric_try, metric, examples)
    if compare.is_valid():
        agreed = compare.submit(agreement_page, metric, by=actor_of(request), **compare.cleaned_data)
    parts = Metric.objects.in_bulk([part["metric"] for part in metric.parts])
    return page(
        request, "optimizer_app/metrics/detail.html", title=metric.name, metric=metric, form=form, trials=trials,
        kind=metric_kinds().get(metric.kind), used_by=metric.workers.all(), compare=compare, agreed=agreed,
        parts=[(parts[part["metric"]], part) for part in metric.parts], here=request.get_full_path(),
    )  # fmt: skip


@needs(Capability.OPERATE)
def metric_new(request: HttpRequest) -> HttpResponse:
    form = MetricForm(request.POST or None)
    kind = request.POST.get("kind") or next(iter(metric_kinds()))
    more = _more(kind, request.POST or None)
    if request.method == "POST" and all([form.is_valid(), *(part.is_valid() for part in more.values())]):
        metric = form.submit(metric_create, by=actor_of(request), **_extra(more), **form.cleaned_data)
        if metric:
            return redirect("optimizer:metric-detail", metric.pk)
    return page(request, "optimizer_app/metrics/form.html", title="New metric", form=form, more=more)


@needs(Capability.OPERATE)
def metric_parameters(request: HttpRequest) -> HttpResponse:
    """What else the kind just chosen needs."""
    return fragment(request, "optimizer_app/metrics/_more.html", more=_more(request.GET.get("kind", ""), None))


@require_POST
@needs(Capability.OPERATE)
def verdict_new(request: HttpRequest, score_id: int) -> HttpResponse:
    row = get_object_or_404(ExampleScore, pk=score_id)
    verdict_set(row, by=actor_of(request), right=request.POST.get("right") == "yes")
    messages.success(request, "Noted.")
    wanted = request.POST.get("next", "")
    return redirect(wanted if wanted.startswith("/metrics/") else "/metrics/")


def _more(kind: str, data: QueryDict | None) -> dict[str, Any]:
    """The further forms of a kind: parameters, and a judge or parts."""
    known = metric_kinds().get(kind)
    more: dict[str, Any] = {"parameters": ParametersForm(known.parameters if known else (), data)}
    if kind == JUDGE:
        more["judge"] = JudgeForm(data)
    if kind == COMPOSITE:
        more["parts"] = PartFormSet(data, prefix="parts")
    return more


def _extra(more: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": more["parameters"].cleaned_data}
    if "judge" in more:
        extra["judge"] = more["judge"].cleaned_data["judge"]
    if "parts" in more:
        rows = [row for row in more["parts"].cleaned_data if row.get("metric")]
        extra["parts"] = [
            {"metric": row["metric"].pk, "weight": row["weight"] or 1.0, "required": row["required"]} for row in rows
        ]
    return extra
