"""Launch a run: advice, parameters, quote."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.common.problems import Refused
from optimizer_app.engine.advice import Suggestion
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.optimizers.base import Optimizer
from optimizer_app.engine.quoting import Quote
from optimizer_app.forms.parameters import ParametersForm, values_of
from optimizer_app.forms.runs import DEFAULT_OPTIMIZER, RunForm
from optimizer_app.models import DatasetVersion, LanguageModel, Worker
from optimizer_app.selectors.advice import advice_for
from optimizer_app.services.quotes import pilot_run, run_quote
from optimizer_app.services.runs import run_create


@needs(Capability.OPERATE)
def run_new(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = _worker(worker_id)
    chosen = request.GET if request.GET.get("dataset_version") else None
    form = RunForm(worker, request.POST or None, initial=chosen.dict() if chosen else None)
    filled = request.POST or _wishes(worker)
    parameters = _parameters(filled)
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
            **form.models(),
        )
        if run:
            return redirect("optimizer:run-detail", run.pk)
    versions = list(form.fields["dataset_version"].queryset)  # type: ignore[attr-defined]
    checks, fits = advice_for(worker, versions[0], worker.language_model) if versions else ([], [])
    known = optimizers()
    listed: list[tuple[Suggestion | None, Optimizer]] = [
        (fit, known[fit.optimizer]) for fit in fits if fit.optimizer in known
    ]
    chosen_name = filled.get("optimizer", DEFAULT_OPTIMIZER)
    named = {fit.optimizer for fit in fits}
    listed += [(None, optimizer) for name, optimizer in known.items() if name not in named]
    return page(
        request, "optimizer_app/runs/form.html", title=f"Optimize {worker.name}", worker=worker, form=form,
        parameters=parameters, listed=listed, checks=checks, has_data=bool(versions),
        quote=_quote(worker, filled, parameters, versions[0]) if versions else None,
        chosen=chosen_name, chosen_is_rare=any(fit.optimizer == chosen_name and fit.is_rare for fit in fits),
    )  # fmt: skip


@needs(Capability.OPERATE)
def run_parameters(request: HttpRequest, worker_id: int) -> HttpResponse:
    """The parameters of the optimizer just chosen, at their defaults, and the quote that goes with them."""
    worker = _worker(worker_id)
    parameters = _parameters(QueryDict(f"optimizer={request.GET.get('optimizer', '')}"))
    return fragment(
        request, "optimizer_app/runs/_parameters.html", parameters=parameters, worker=worker,
        quote=_quote(worker, request.GET, parameters),
    )  # fmt: skip


@needs(Capability.OPERATE)
def run_quote_part(request: HttpRequest, worker_id: int) -> HttpResponse:
    """The quote for what is filled in so far."""
    worker = _worker(worker_id)
    quote = _quote(worker, request.GET, _parameters(request.GET))
    return fragment(request, "optimizer_app/runs/_quote.html", quote=quote, worker=worker)


@require_POST
@needs(Capability.OPERATE)
def run_pilot(request: HttpRequest, worker_id: int) -> HttpResponse:
    """Measure a few calls of the baseline, then quote again."""
    worker = _worker(worker_id)
    version = _chosen_version(request.POST)
    problem = ""
    if version:
        try:
            pilot_run(worker, version, _chosen_model(worker, request.POST), by=actor_of(request))
        except Refused as refused:
            problem = str(refused)
    quote = _quote(worker, request.POST, _parameters(request.POST))
    return fragment(request, "optimizer_app/runs/_quote.html", quote=quote, worker=worker, problem=problem)


def _worker(worker_id: int) -> Worker:
    return get_object_or_404(Worker.objects.select_related("language_model", "metric"), pk=worker_id)


def _wishes(worker: Worker) -> QueryDict:
    """What the worker's code asks for, as the form would send it; empty where this server has no such optimizer."""
    data = QueryDict(mutable=True)
    known = optimizers().get(worker.optimization.get("optimizer", ""))
    if known is None:
        return data
    data["optimizer"] = known.name
    asked = worker.optimization.get("parameters", {})
    if any(parameter.name in asked for parameter in known.parameters):
        for parameter in known.parameters:
            value = asked.get(parameter.name, parameter.default)
            if value is not None and value is not False:
                data[f"parameter-{parameter.name}"] = str(value)
    return data


def _parameters(data: QueryDict) -> ParametersForm:
    known = optimizers()
    optimizer = known.get(data.get("optimizer") or DEFAULT_OPTIMIZER, known[DEFAULT_OPTIMIZER])
    filled = any(key.startswith("parameter-") for key in data)
    return ParametersForm(optimizer.parameters, data if filled else None)


def _quote(
    worker: Worker, data: QueryDict, parameters: ParametersForm, default: DatasetVersion | None = None
) -> Quote | None:
    version = _chosen_version(data) or default
    optimizer = data.get("optimizer") or DEFAULT_OPTIMIZER
    if version is None or optimizer not in optimizers():
        return None
    form = RunForm(worker, data)
    form.is_valid()  # what is not valid counts as not filled in
    models = form.models()
    return run_quote(
        worker, version, optimizer, values_of(parameters), model=models["language_model"] or worker.language_model,
        proposer=models["proposer"], teacher=models["teacher"], budget=form.budget(),
    )  # fmt: skip


def _chosen_version(data: QueryDict) -> DatasetVersion | None:
    wanted = data.get("dataset_version", "")
    return DatasetVersion.objects.filter(pk=wanted).first() if wanted.isdecimal() else None


def _chosen_model(worker: Worker, data: QueryDict) -> LanguageModel:
    wanted = data.get("language_model", "")
    found = LanguageModel.objects.filter(pk=wanted).first() if wanted.isdecimal() else None
    return found or worker.language_model
