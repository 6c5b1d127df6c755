"""What somebody does about their own account: a second factor, and its code at sign-in."""

import segno
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from optimizer_app.common.access import CODE_DUE, FACTOR_DUE, Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.people import CodeForm
from optimizer_app.services.second_factor import (
    second_factor_address,
    second_factor_begin,
    second_factor_check,
    second_factor_confirm,
    second_factor_of,
    second_factor_remove,
)


@needs(Capability.READ)
def account(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    return page(
        request, "optimizer_app/people/account.html", title="Your account", person=person,
        factor=second_factor_of(person), due=request.session.get(FACTOR_DUE), teams=person.teams.all(),
    )  # fmt: skip


@needs(Capability.READ)
def second_factor_new(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    if second_factor_of(person):
        return redirect("optimizer:account")
    form = CodeForm(request.POST or None)
    form.fields["code"].help_text = "Six digits from the authenticator."
    factor = getattr(person, "second_factor", None)
    if factor is None or not form.is_bound:
        factor = second_factor_begin(person)
    codes = None
    if form.is_valid():
        codes = form.submit(second_factor_confirm, factor, by=actor_of(request), **form.cleaned_data)
    if codes:
        request.session.pop(FACTOR_DUE, None)
        return page(request, "optimizer_app/people/recovery.html", title="Recovery codes", codes=codes)
    picture = segno.make(second_factor_address(factor)).svg_data_uri(scale=5, light="white")
    return page(
        request, "optimizer_app/people/second_factor.html", title="Second factor", form=form, picture=picture,
        secret=factor.secret,
    )  # fmt: skip


@require_POST
@needs(Capability.READ)
def second_factor_off(request: HttpRequest) -> HttpResponse:
    """With a code: whoever finds the browser open must not switch it off."""
    form, person = CodeForm(request.POST), _person(request)
    if form.is_valid():
        form.submit(second_factor_check, person, by=actor_of(request), **form.cleaned_data)
    if not form.is_valid():
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
        return redirect("optimizer:account")
    second_factor_remove(person, by=actor_of(request))
    messages.success(request, "The second factor is removed.")
    return redirect("optimizer:account")


def code_asked(request: HttpRequest) -> HttpResponse:
    """The second step of a sign-in; the first one is done, and nothing else opens before this one is."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    onward = wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()) else "/"
    if not request.user.is_authenticated or CODE_DUE not in request.session:
        return redirect(onward)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        form.submit(second_factor_check, _person(request), by=actor_of(request), **form.cleaned_data)
        if form.is_valid():
            request.session.cycle_key()
            del request.session[CODE_DUE]
            return redirect(onward)
    context = {"form": form, "next": onward, "name": request.user.get_username()}
    return render(request, "code.html", context, status=422 if form.errors else 200)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
