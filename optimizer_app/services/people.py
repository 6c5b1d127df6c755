"""Accounts of people."""

import secrets

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q

from optimizer_app.common.access import ROLES, SYSTEM, Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.services import audit

FIRST_ADMIN = "admin"


def person_create(*, by: Actor, name: str, role: str, password: str | None = None) -> tuple[User, str]:
    """An account with one role. Without a password a random one is made; it is returned this once."""
    by.require(Capability.ADMIN)
    if role not in ROLES:
        raise Refused(fields={"role": [f"There is no role “{role}”; choose from {', '.join(ROLES)}."]})
    if User.objects.filter(username=name).exists():
        raise Refused(fields={"name": [f"There is already an account called “{name}”."]})
    password = password or secrets.token_urlsafe(12)
    with transaction.atomic():
        person = User.objects.create_user(name, password=password, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        audit.record(by, "person.create", person, role=role)
    return person, password


def person_update(person: User, *, by: Actor, role: str, active: bool) -> None:
    """Change a role, or let someone in or out. The last admin cannot be taken away."""
    by.require(Capability.ADMIN)
    if role not in ROLES:
        raise Refused(fields={"role": [f"There is no role “{role}”; choose from {', '.join(ROLES)}."]})
    with transaction.atomic():
        others = User.objects.filter(Q(groups__name="admin") | Q(is_superuser=True), is_active=True).exclude(
            pk=person.pk
        )
        if (role != "admin" or not active) and not others.exists():
            raise Refused("This is the last admin; make another one first.")
        person.groups.set([Group.objects.get(name=role)])
        person.is_active = active
        person.save(update_fields=["is_active"])
        audit.record(by, "person.update", person, role=role, active=active)


def first_admin_create() -> str | None:
    """The first account's password, or None when there are accounts already."""
    if User.objects.exists():
        return None
    return person_create(by=SYSTEM, name=FIRST_ADMIN, role="admin")[1]


def is_address(text: str) -> bool:
    """Whether it can be an e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
