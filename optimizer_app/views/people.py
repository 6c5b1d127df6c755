"""Pages of accounts and tokens."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.people import PersonEditForm, PersonForm, TokenForm
from optimizer_app.models import ApiToken
from optimizer_app.services.people import person_create, person_update
from optimizer_app.services.second_factor import second_factor_of, second_factor_remove
from optimizer_app.services.tokens import token_create, token_revoke


@needs(Capability.ADMIN)
def person_new(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    created = form.submit(person_create, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if created:
        person, password = created
        return page(
            request, "optimizer_app/people/secret.html", title="Account made", name=person.username, secret=password,
            what="Password", back="admin:auth_user_changelist",
        )  # fmt: skip
    return page(
        request, "optimizer_app/people/form.html", title="New account", form=form, back="admin:auth_user_changelist"
    )


@needs(Capability.ADMIN)
def token_new(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    created = form.submit(token_create, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if created:
        token, text = created
        return page(
            request, "optimizer_app/people/secret.html", title="Token made", name=token.name, secret=text, what="Token",
            back="admin:optimizer_app_apitoken_changelist",
        )  # fmt: skip
    return page(
        request, "optimizer_app/people/form.html", title="New API token", form=form,
        back="admin:optimizer_app_apitoken_changelist",
    )  # fmt: skip


@needs(Capability.ADMIN)
def token_revoke_page(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=token_id)
    if request.method == "POST":
        token_revoke(token, by=actor_of(request))
        messages.success(request, f"{token.name} opens nothing any more.")
        return redirect("admin:optimizer_app_apitoken_changelist")
    return page(request, "optimizer_app/people/revoke.html", title=f"Revoke {token.name}", token=token)


@require_POST
@needs(Capability.ADMIN)
def second_factor_reset(request: HttpRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(User, pk=person_id)
    second_factor_remove(person, by=actor_of(request))
    messages.success(request, f"{person.username} signs in without a second factor until a new one is set up.")
    return redirect("optimizer:person-edit", person_id=person.pk)


@needs(Capability.ADMIN)
def person_edit(request: HttpRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(User, pk=person_id)
    role = person.groups.values_list("name", flat=True).first()
    form = PersonEditForm(request.POST or None, initial={"role": role, "active": person.is_active})
    if form.is_valid():
        form.submit(person_update, person, by=actor_of(request), **form.cleaned_data)
        if form.is_valid():
            messages.success(request, "Saved.")
            return redirect("admin:auth_user_changelist")
    return page(
        request, "optimizer_app/people/form.html", title=person.username, form=form, back="admin:auth_user_changelist",
        verb="Save", person=person, factor=second_factor_of(person),
    )  # fmt: skip
