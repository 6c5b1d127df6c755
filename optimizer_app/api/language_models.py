"""Connections to language models. Keys go in and never come out."""

from decimal import Decimal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import LanguageModel
from optimizer_app.services.language_models import language_model_save

router = Router(tags=["language models"])


class LanguageModelIn(Schema):
    name: str = Field(max_length=100)
    model: str = Field(max_length=200)
    api_base: str = Field("", max_length=500)
    api_key: str = ""
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    timeout_s: float = Field(60, gt=0, le=600)
    retries: int = Field(2, ge=0, le=10)
    price_in: Decimal | None = Field(None, ge=0, max_digits=12, decimal_places=6)
    price_out: Decimal | None = Field(None, ge=0, max_digits=12, decimal_places=6)


class LanguageModelOut(Schema):
    id: int
    name: str
    model: str
    api_base: str
    temperature: float | None
    max_tokens: int | None
    timeout_s: float
    retries: int
    price_in: float | None
    price_out: float | None


@router.get("", response=list[LanguageModelOut], operation_id="language_models_list", summary="List language models")
@paginate
def language_models_list(request: HttpRequest) -> QuerySet[LanguageModel]:
    caller(request).require(Capability.READ)
    return LanguageModel.objects.all()


@router.post(
    "", response={201: LanguageModelOut}, operation_id="language_models_create", summary="Create a language model"
)
def language_models_create(request: HttpRequest, body: LanguageModelIn) -> Status[LanguageModel]:
    values = body.dict()
    api_key = values.pop("api_key")
    return Status(201, language_model_save(LanguageModel(**values), by=caller(request), api_key=api_key))
