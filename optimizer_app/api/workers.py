"""Workers, their versions, and calling them."""

from typing import Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.api.versions import PromotionOut, ReasonIn, VersionOut
from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import LanguageModel, Metric, ProgramVersion, Worker
from optimizer_app.sdk.transports import Registration
from optimizer_app.selectors.canaries import answering
from optimizer_app.selectors.versions import active_version
from optimizer_app.services import serving
from optimizer_app.services.registration import worker_register
from optimizer_app.services.versions import worker_rollback
from optimizer_app.services.workers import worker_create, worker_update

router = Router(tags=["workers"])


class WorkerIn(Schema):
    name: str = Field(max_length=100)
    description: str = ""
    program: dict[str, Any]
    language_model_id: int
    metric_id: int
    latency_need_ms: int | None = Field(None, ge=1, description="How soon callers need an answer.")


class WorkerPatch(Schema):
    name: str = Field(max_length=100)
    description: str = ""
    language_model_id: int
    metric_id: int
    latency_need_ms: int | None = Field(None, ge=1, description="How soon callers need an answer.")


class WorkerOut(Schema):
    id: int
    name: str
    description: str
    program: dict[str, Any]
    language_model_id: int
    metric_id: int
    latency_need_ms: int | None
    active_version_id: int | None


class RegistrationIn(Schema):
    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    program: dict[str, Any]
    stand_in: bool = Field(False, description="The program only describes the fields; it runs elsewhere.")
    metric: str = ""
    optimization: dict[str, Any] = {}
    collect: bool = Field(False, description="Send good answers to the review queue.")


class RegisteredOut(Schema):
    worker_id: int
    created: bool


class OnTrialOut(Schema):
    id: int
    share: float = Field(description="Of the calls that the version on trial answers.")
    version: int
    state: dict[str, Any]


class ActiveOut(Schema):
    worker_id: int
    version: int
    fingerprint: str
    program: dict[str, Any]
    state: dict[str, Any]
    canary: OnTrialOut | None


class PredictIn(Schema):
    inputs: dict[str, Any]
    version_id: int | None = Field(None, description="A version of this worker; the active one by default.")
    caller: str = Field("", max_length=200, description="Who asks: during a canary a caller stays with one version.")


class PredictOut(Schema):
    execution_id: UUID = Field(description="Of the recorded execution; feedback names it.")
    outputs: dict[str, Any]
    version_id: int
    latency_ms: float
    tokens_in: int
    tokens_out: int
    cost_usd: float | None = Field(description="Empty when the language model has no price.")


class PredictFailed(Schema):
    detail: str


@router.get("", response=list[WorkerOut], operation_id="workers_list", summary="List workers")
@paginate
def workers_list(request: HttpRequest) -> QuerySet[Worker]:
    caller(request).require(Capability.READ)
    return Worker.objects.all()


@router.post("", response={201: WorkerOut}, operation_id="workers_create", summary="Create a worker")
def workers_create(request: HttpRequest, body: WorkerIn) -> Status[Worker]:
    worker = worker_create(
        by=caller(request),
        name=body.name,
        description=body.description,
        program=body.program,
        language_model=get_object_or_404(LanguageModel, pk=body.language_model_id),
        metric=get_object_or_404(Metric, pk=body.metric_id),
        latency_need_ms=body.latency_need_ms,
    )
    return Status(201, worker)


@router.post(
    "/register", response=RegisteredOut, operation_id="workers_register", summary="Register a worker from code"
)
def workers_register(request: HttpRequest, body: RegistrationIn) -> dict[str, Any]:
    """Makes the worker with its unoptimized baseline, unless there is one with this name and these fields."""
    registered = worker_register(Registration(**body.dict()), by=caller(request))
    return {"worker_id": registered.worker.pk, "created": registered.created}


@router.get(
    "/active",
    response={200: ActiveOut, 304: None},
    operation_id="workers_active",
    summary="Read the active version of a worker by its name",
)
def workers_active(request: HttpRequest, name: str) -> HttpResponse:
    """For processes that run the worker themselves. Answers 304 while If-None-Match names the active version."""
    caller(request).require(Capability.RECORD)
    worker = get_object_or_404(Worker.objects.select_related("active_version"), name=name)
    found = active_version(worker)
    etag = f'"{found.pop("etag")}"'
    same = request.headers.get("If-None-Match") == etag
    response = HttpResponseNotModified() if same else JsonResponse(found)
    response["ETag"] = etag
    return response


@router.get("/{worker_id}", response=WorkerOut, operation_id="workers_read", summary="Read a worker")
def workers_read(request: HttpRequest, worker_id: int) -> Worker:
    caller(request).require(Capability.READ)
    return get_object_or_404(Worker, pk=worker_id)


@router.put("/{worker_id}", response=WorkerOut, operation_id="workers_update", summary="Change a worker")
def workers_update(request: HttpRequest, worker_id: int, body: WorkerPatch) -> Worker:
    worker = get_object_or_404(Worker, pk=worker_id)
    worker_update(
        worker,
        by=caller(request),
        name=body.name,
        description=body.description,
        language_model=get_object_or_404(LanguageModel, pk=body.language_model_id),
        metric=get_object_or_404(Metric, pk=body.metric_id),
        latency_need_ms=body.latency_need_ms,
    )
    return worker


@router.get(
    "/{worker_id}/versions", response=list[VersionOut], operation_id="workers_versions", summary="List versions"
)
@paginate
def workers_versions(request: HttpRequest, worker_id: int) -> QuerySet[ProgramVersion]:
    caller(request).require(Capability.READ)
    return get_object_or_404(Worker, pk=worker_id).versions.all()


@router.post(
    "/{worker_id}/predict",
    response={200: PredictOut, 502: PredictFailed},
    operation_id="workers_predict",
    summary="Call a worker",
)
def workers_predict(request: HttpRequest, worker_id: int, body: PredictIn) -> Status[Any]:
    worker = get_object_or_404(Worker.objects.select_related("active_version", "language_model"), pk=worker_id)
    chosen = get_object_or_404(worker.versions, pk=body.version_id) if body.version_id else None
    version = chosen or answering(worker, body.caller or str(uuid4()))
    served, execution_id = serving.predict_recorded(worker, by=caller(request), inputs=body.inputs, version=version)
    if served.error or version is None:
        return Status(502, {"detail": served.error})
    return Status(
        200,
        {
            "execution_id": execution_id,
            "outputs": served.outputs,
            "version_id": version.pk,
            "latency_ms": served.latency_ms,
            "tokens_in": served.tokens_in,
            "tokens_out": served.tokens_out,
            "cost_usd": served.cost_usd,
        },
    )


@router.post(
    "/{worker_id}/rollback",
    response={201: PromotionOut},
    operation_id="workers_rollback",
    summary="Go back to the version before",
)
def workers_rollback(request: HttpRequest, worker_id: int, body: ReasonIn) -> Status[Any]:
    worker = get_object_or_404(Worker, pk=worker_id)
    return Status(201, worker_rollback(worker, by=caller(request), reason=body.reason))
