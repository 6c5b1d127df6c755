"""Pages of metrics."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.engine.metrics import metric_kinds
from optimizer_app.forms.metrics import MetricForm, TryForm
from optimizer_app.forms.parameters import ParametersForm
from optimizer_app.models import Metric
from optimizer_app.services.metrics import metric_create, metric_try

TRIED = 8


@needs(Capability.READ)
def metric_detail(request: HttpRequest, metric_id: int) -> HttpResponse:
    metric = get_object_or_404(Metric, pk=metric_id)
    form = TryForm(request.GET or None)
    trials = None
    if form.is_valid():
        examples = form.cleaned_data["dataset"].examples.all()[:TRIED]
        trials = form.submit(metric_try, metric, examples)
    return page(
        request, "optimizer_app/metrics/detail.html", title=metric.name, metric=metric, form=form, trials=trials,
        kind=metric_kinds()[metric.kind], used_by=metric.workers.all(),
    )  # fmt: skip


@needs(Capability.OPERATE)
def metric_new(request: HttpRequest) -> HttpResponse:
    form = MetricForm(request.POST or None)
    kind = request.POST.get("kind") or next(iter(metric_kinds()))
    parameters = ParametersForm(metric_kinds()[kind].parameters if kind in metric_kinds() else (), request.POST or None)
    if request.method == "POST" and all([form.is_valid(), parameters.is_valid()]):
        metric = form.submit(
            metric_create, by=actor_of(request), parameters=parameters.cleaned_data, **form.cleaned_data
        )
        if metric:
            return redirect("optimizer:metric-detail", metric.pk)
    return page(request, "optimizer_app/metrics/form.html", title="New metric", form=form, parameters=parameters)


@needs(Capability.OPERATE)
def metric_parameters(request: HttpRequest) -> HttpResponse:
    """The parameters of the kind just chosen."""
    kind = metric_kinds().get(request.GET.get("kind", ""))
    return fragment(request, "partials/_fields.html", form=ParametersForm(kind.parameters if kind else ()))
