"""What happens when somebody signs in: it is recorded, and a second factor becomes due."""

from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from optimizer_app.common.access import CODE_DUE, FACTOR_DUE, Actor, Capability, actor_of, capabilities_of
from optimizer_app.services import audit
from optimizer_app.services.second_factor import second_factor_of

SSO_BACKEND = "optimizer_app.views.single_sign_on.Backend"


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **_: object) -> None:
    """A provider that signs people in asks for a second factor itself, if it wants one."""
    by_provider = request.session.get(BACKEND_SESSION_KEY) == SSO_BACKEND
    if not by_provider:
        if second_factor_of(user):
            request.session[CODE_DUE] = True
        elif second_factor_required(user):
            request.session[FACTOR_DUE] = True
    request.user = user
    with transaction.atomic():
        audit.record(actor_of(request), "sign_in", user, way="provider" if by_provider else "password")


@receiver(user_locked_out)
def locked_out(sender: Any, request: HttpRequest, username: str, ip_address: str | None = None, **_: object) -> None:
    """Recorded where there is such an account; guesses at names of nobody are in the log only."""
    person = User.objects.filter(username=username or "").first()
    if person is not None:
        stranger = Actor("anonymous", "stranger", frozenset(), ip_address or request.META.get("REMOTE_ADDR", ""))
        with transaction.atomic():
            audit.record(stranger, "sign_in.lock", person)


def second_factor_required(person: User) -> bool:
    """Whether UPLIFT_SECOND_FACTOR asks it of this person."""
    wanted = settings.SECOND_FACTOR
    return wanted == "everybody" or (wanted == "admins" and Capability.ADMIN in capabilities_of(person))
