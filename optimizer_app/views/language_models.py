"""Pages of language models."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.forms.language_models import LanguageModelForm
from optimizer_app.models import LanguageModel
from optimizer_app.services.language_models import known_price, language_model_save
from optimizer_app.services.serving import connection_test


@needs(Capability.ADMIN)
def language_model_form(request: HttpRequest, model_id: int | None = None) -> HttpResponse:
    model = get_object_or_404(LanguageModel, pk=model_id) if model_id else None
    form = LanguageModelForm(request.POST or None, instance=model)
    if form.is_valid():
        saved = form.submit(language_model_save, form.save(commit=False), by=actor_of(request), api_key=form.api_key())
        if saved:
            messages.success(request, f"{saved.name} is saved. Test the connection before you use it.")
            return redirect("optimizer:language-model-edit", saved.pk)
    title = f"Edit {model.name}" if model else "New language model"
    return page(request, "optimizer_app/language_models/form.html", title=title, form=form, model=model)


@require_POST
@needs(Capability.ADMIN)
def language_model_test(request: HttpRequest, model_id: int) -> HttpResponse:
    model = get_object_or_404(LanguageModel, pk=model_id)
    served = connection_test(model, by=actor_of(request))
    return fragment(request, "optimizer_app/language_models/_test.html", served=served)


@needs(Capability.ADMIN)
def language_model_price(request: HttpRequest) -> HttpResponse:
    """The price fields, filled with what is known of the model just typed."""
    price = known_price(request.GET.get("model", ""))
    form = LanguageModelForm(initial={"price_in": price[0], "price_out": price[1]} if price else {})
    return fragment(request, "optimizer_app/language_models/_prices.html", form=form, found=price is not None)
