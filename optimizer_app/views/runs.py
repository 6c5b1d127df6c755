"""Pages of runs."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.forms.parameters import ParametersForm, values_of
from optimizer_app.forms.runs import DEFAULT_OPTIMIZER, RunForm
from optimizer_app.models import DatasetVersion, Run, Worker
from optimizer_app.selectors.plans import RunPlan, run_plan
from optimizer_app.selectors.runs import run_progress
from optimizer_app.services.runs import run_create, run_stop

UNCHANGED = 204


@needs(Capability.OPERATE)
def run_new(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker.objects.select_related("language_model", "metric"), pk=worker_id)
    chosen = request.GET if request.GET.get("dataset_version") else None
    form = RunForm(worker, request.POST or None, initial=chosen.dict() if chosen else None)
    parameters = _parameters(request.POST)
    if request.method == "POST" and all([form.is_valid(), parameters.is_valid()]):
        run = form.submit(
            run_create,
            by=actor_of(request),
            worker=worker,
            dataset_version=form.cleaned_data["dataset_version"],
            optimizer=form.cleaned_data["optimizer"],
            seed=form.cleaned_data["seed"],
            parameters=parameters.cleaned_data,
            budget=form.budget(),
        )
        if run:
            return redirect("optimizer:run-detail", run.pk)
    versions = list(form.fields["dataset_version"].queryset)  # type: ignore[attr-defined]
    plan = (
        run_plan(versions[0], DEFAULT_OPTIMIZER, values_of(parameters))
        if versions and request.method == "GET"
        else None
    )
    return page(
        request, "optimizer_app/runs/form.html", title=f"Optimize {worker.name}", worker=worker, form=form,
        parameters=parameters, optimizers=optimizers(), has_data=bool(versions), plan=plan,
        chosen=request.POST.get("optimizer", DEFAULT_OPTIMIZER),
    )  # fmt: skip


@needs(Capability.OPERATE)
def run_parameters(request: HttpRequest) -> HttpResponse:
    """The parameters of the optimizer just chosen, at their defaults, and the plan that goes with them."""
    parameters = _parameters(QueryDict(f"optimizer={request.GET.get('optimizer', '')}"))
    return fragment(
        request, "optimizer_app/runs/_parameters.html", parameters=parameters, plan=_plan(request.GET, parameters)
    )


@needs(Capability.OPERATE)
def run_plan_part(request: HttpRequest) -> HttpResponse:
    """The plan for what is filled in so far."""
    return fragment(request, "optimizer_app/runs/_plan.html", plan=_plan(request.GET, _parameters(request.GET)))


@needs(Capability.READ)
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _run(run_id)
    return page(
        request, "optimizer_app/runs/detail.html", title=f"{run}: {run.worker.name}", run=run, live=run_progress(run)
    )


@needs(Capability.READ)
def run_live(request: HttpRequest, run_id: int) -> HttpResponse:
    """The live part; 204 while the revision that the page shows is still the newest: one indexed read."""
    seen = request.GET.get("seen", "")
    newest = Run.objects.values_list("revision", flat=True).filter(pk=run_id).first()
    if newest is not None and seen == str(newest):
        return HttpResponse(status=UNCHANGED)
    run = _run(run_id)
    response = fragment(request, "optimizer_app/runs/_live.html", run=run, live=run_progress(run))
    if run.ended:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@needs(Capability.OPERATE)
def run_stop_now(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(Run, pk=run_id)
    run_stop(run, by=actor_of(request))
    messages.info(request, "Stopping: no further language model call begins.")
    return redirect("optimizer:run-detail", run.pk)


def _run(run_id: int) -> Run:
    related = ("worker", "dataset_version__dataset", "language_model", "metric", "winner", "comparison")
    return get_object_or_404(Run.objects.select_related(*related), pk=run_id)


def _parameters(data: QueryDict) -> ParametersForm:
    optimizer = optimizers().get(data.get("optimizer") or DEFAULT_OPTIMIZER, optimizers()[DEFAULT_OPTIMIZER])
    filled = any(key.startswith("parameter-") for key in data)
    return ParametersForm(optimizer.parameters, data if filled else None)


def _plan(data: QueryDict, parameters: ParametersForm) -> RunPlan | None:
    wanted = data.get("dataset_version", "")
    version = DatasetVersion.objects.filter(pk=wanted).first() if wanted.isdecimal() else None
    optimizer = data.get("optimizer", "")
    return run_plan(version, optimizer, values_of(parameters)) if version and optimizer in optimizers() else None
