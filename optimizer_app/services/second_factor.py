"""A second factor at sign-in: codes of an authenticator, and recovery codes for the day it is lost."""

import hashlib
import hmac
import secrets
import time
from datetime import timedelta

import pyotp
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import SecondFactor
from optimizer_app.services import audit

STEP_S = 30
STEPS_APART = 1  # a phone's clock may be half a minute wrong
RECOVERY_CODES = 8
MOST_FAILURES, PAUSE = 5, timedelta(minutes=15)


def second_factor_begin(person: User) -> SecondFactor:
    """A new secret, not asked for before it is confirmed. An unconfirmed one is replaced. Raises Conflict."""
    if SecondFactor.objects.filter(person=person).exclude(confirmed_at=None).exists():
        raise Conflict("There is a second factor already; remove it first.")
    made, _ = SecondFactor.objects.update_or_create(
        person=person, defaults={"secret": pyotp.random_base32(), "confirmed_at": None, "failures": 0}
    )
    return made


def second_factor_address(factor: SecondFactor) -> str:
    """What the authenticator reads from the picture."""
    return pyotp.TOTP(factor.secret).provisioning_uri(name=factor.person.get_username(), issuer_name="Uplift")


def second_factor_confirm(factor: SecondFactor, code: str, *, by: Actor) -> list[str]:
    """From now on a code is asked for. The recovery codes, which are shown this once. Raises Refused."""
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().get(pk=factor.pk)
        if factor.confirmed_at:
            raise Conflict("This second factor is confirmed already.")
        step = _step_of(factor, code)
        if step is None:
            raise Refused(fields={"code": ["This is not the code of this moment. Is the clock of the device right?"]})
        codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
        factor.confirmed_at, factor.last_step = timezone.now(), step
        factor.recovery = [_digest(told) for told in codes]
        factor.save(update_fields=["confirmed_at", "last_step", "recovery"])
        audit.record(by, "second_factor.set", factor.person)
    return codes


def second_factor_check(person: User, code: str, *, by: Actor) -> None:
    """Accept a code of the authenticator or a recovery code, each once. Raises Refused; after MOST_FAILURES wrong ones
    nothing is accepted for PAUSE."""
    wrong = None
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().get(person=person)
        if factor.failures >= MOST_FAILURES and factor.failed_at and timezone.now() - factor.failed_at < PAUSE:
            raise Refused(fields={"code": ["Too many wrong codes. Wait 15 minutes and try again, or ask an admin."]})
        step, digest = _step_of(factor, code), _digest(code)
        if step is not None and step > factor.last_step:
            factor.last_step, factor.failures = step, 0
        elif digest in factor.recovery:
            factor.recovery = [kept for kept in factor.recovery if kept != digest]
            factor.failures = 0
            audit.record(by, "second_factor.recover", person, left=len(factor.recovery))
        else:
            factor.failures, factor.failed_at = factor.failures % MOST_FAILURES + 1, timezone.now()
            wrong = "This code was used already." if step is not None else "This is not the code of this moment."
            if factor.failures == MOST_FAILURES:
                audit.record(by, "second_factor.lock", person)
        factor.save(update_fields=["last_step", "recovery", "failures", "failed_at"])
    if wrong:
        raise Refused(fields={"code": [wrong]})


def second_factor_remove(person: User, *, by: Actor) -> None:
    """Somebody removes their own; an admin removes anybody's, whose device is lost."""
    if by.kind != "person" or by.name != person.get_username():
        by.require(Capability.ADMIN)
    with transaction.atomic():
        if not SecondFactor.objects.filter(person=person).delete()[0]:
            raise Conflict("There is no second factor.")
        audit.record(by, "second_factor.remove", person)


def second_factor_of(person: User) -> SecondFactor | None:
    """The confirmed one."""
    return SecondFactor.objects.filter(person=person).exclude(confirmed_at=None).first()


def _step_of(factor: SecondFactor, code: str) -> int | None:
    """The time step whose code this is, if it is near enough."""
    told, now = code.strip().replace(" ", ""), int(time.time() // STEP_S)
    totp = pyotp.TOTP(factor.secret)
    steps = range(now - STEPS_APART, now + STEPS_APART + 1)
    return next((step for step in steps if hmac.compare_digest(totp.at(step * STEP_S).encode(), told.encode())), None)


def _digest(code: str) -> str:
    # 48 random bits behind the lock-out; a slow hash would guard what cannot be guessed anyway
    return hashlib.sha256(code.strip().lower().encode()).hexdigest()
