"""People who come from an identity provider."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from optimizer_app.common.access import ROLES, SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.models import Identity
from optimizer_app.services import audit
from optimizer_app.services.people import person_update


def person_of_claims(issuer: str, claims: dict[str, Any]) -> User:
    """The account of whoever the provider vouches for, made at the first visit; its role follows the claims each time.

    Found by issuer and subject alone: an account that was made here is nobody's at the provider, whatever the names
    say. Raises Refused when the claims give no role.
    """
    subject, role = str(claims.get("sub", "")), role_of_claims(claims)
    if not subject:
        raise Refused("The provider did not say who this is (no “sub”).")
    if role is None:
        raise Refused("Your account at the provider has no role here. Ask whoever runs Uplift.")
    known = Identity.objects.filter(issuer=issuer, subject=subject).select_related("person").first()
    if known is None:
        return _newcomer(issuer, subject, claims, role)
    if not known.person.groups.filter(name=role).exists():
        person_update(known.person, by=SYSTEM, role=role, active=known.person.is_active)
    return known.person


def role_of_claims(claims: dict[str, Any]) -> str | None:
    """The strongest role that a value of the role claim stands for, else the default one."""
    told = claims.get(settings.SSO_ROLE_CLAIM, [])
    values: Iterable[Any] = told if isinstance(told, list) else [told]
    given = {settings.SSO_ROLES[value] for value in map(str, values) if value in settings.SSO_ROLES}
    strongest = [role for role in ROLES if role in given]
    return strongest[-1] if strongest else settings.SSO_DEFAULT_ROLE or None


def _newcomer(issuer: str, subject: str, claims: dict[str, Any], role: str) -> User:
    wanted = str(claims.get("preferred_username") or claims.get("email") or subject)
    names = (wanted[:100], f"{wanted[:60]}@{urlsplit(issuer).hostname}"[:150], f"{subject[:80]}@sso")
    with transaction.atomic():
        name = next((name for name in names if not User.objects.filter(username=name).exists()), None)
        if name is None:
            raise Refused(f"There are other accounts called {wanted[:100]} already.")
        person = User.objects.create_user(name, email=str(claims.get("email", ""))[:254], is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        Identity.objects.create(person=person, issuer=issuer, subject=subject)
        audit.record(SYSTEM, "person.create", person, role=role, provider=issuer)
    return person
