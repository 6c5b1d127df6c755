"""Plan, send and share reports."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from analytics.models import ReportPlan, SharedLink
from analytics.selectors.reports import report
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit
from optimizer_app.services.people import is_address

logger = logging.getLogger(__name__)
WEEK = timedelta(days=7)
MOST_RECIPIENTS = 20
LONGEST_DAYS = 365


def report_plan(worker: Worker | None, *, by: Actor, recipients: Sequence[str], weekday: int, hour: int) -> ReportPlan:
    """A report every week, at an hour of the installation's time zone."""
    by.require(Capability.APPROVE)
    if worker is None:
        by.require_sight_of_all()
    fields: dict[str, list[str]] = {}
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        fields["recipients"] = [f"One to {MOST_RECIPIENTS} addresses."]
    elif wrong := [address for address in recipients if not is_address(address)]:
        fields["recipients"] = [f"“{wrong[0][:100]}” is no e-mail address."]
    if not (0 <= weekday <= 6 and 0 <= hour <= 23):
        fields["hour"] = ["Choose a weekday and an hour from 0 to 23."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        plan = ReportPlan.objects.create(
            worker=worker, recipients=list(recipients), weekday=weekday, hour=hour, created_by=by.name,
            next_at=next_time(timezone.now(), weekday, hour),
        )  # fmt: skip
        audit.record(by, "report.plan", plan, recipients=len(recipients))
    return plan


def report_unplan(plan: ReportPlan, *, by: Actor) -> None:
    """Send it no more."""
    by.require(Capability.APPROVE)
    with transaction.atomic():
        audit.record(by, "report.unplan", plan)
        plan.delete()


def reports_send_due() -> int:
    """Send what is due; how many. Each is claimed by moving it to its next week, so it is sent at most once."""
    now, sent = timezone.now(), 0
    for plan in ReportPlan.objects.filter(next_at__lte=now).select_related("worker"):
        following = next_time(now, plan.weekday, plan.hour)
        if not ReportPlan.objects.filter(pk=plan.pk, next_at=plan.next_at).update(next_at=following):
            continue
        problem = _send(plan)
        told = {"problem": problem} if problem else {"problem": "", "sent_at": now}
        ReportPlan.objects.filter(pk=plan.pk).update(**told)
        sent += not problem
    return sent


def link_make(worker: Worker | None, *, by: Actor, days: int) -> tuple[SharedLink, str]:
    """A link and the secret part of its address, which is shown this once."""
    by.require(Capability.APPROVE)
    if worker is None:
        by.require_sight_of_all()
    if not 0 < days <= LONGEST_DAYS:
        raise Refused(fields={"days": [f"1 to {LONGEST_DAYS} days."]})
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = SharedLink.objects.create(
            worker=worker, digest=_digest(secret), expires_at=timezone.now() + timedelta(days=days), created_by=by.name
        )
        audit.record(by, "link.make", link, days=days)
    return link, secret


def link_revoke(link: SharedLink, *, by: Actor) -> None:
    """Close the address now."""
    by.require(Capability.APPROVE)
    with transaction.atomic():
        if not SharedLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
            raise Conflict("This link is closed already.")
        audit.record(by, "link.revoke", link)


def link_of(secret: str) -> SharedLink | None:
    """The link that an address opens, if it is open."""
    open_links = SharedLink.objects.filter(revoked_at=None, expires_at__gt=timezone.now()).select_related("worker")
    return open_links.filter(digest=_digest(secret)).first()


def next_time(after: datetime, weekday: int, hour: int) -> datetime:
    """The next such hour, in the time zone of the installation."""
    local = timezone.localtime(after)
    found = local.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(
        days=(weekday - local.weekday()) % 7
    )
    return found if found > local else found + WEEK


def _send(plan: ReportPlan) -> str:
    """Send one report; why it could not be, or nothing."""
    if not settings.EMAIL_HOST:
        return "No mail server is set: UPLIFT_SMTP_HOST."
    shown = report(plan.worker)
    context = {"shown": shown, "address": settings.PUBLIC_URL}
    message = EmailMultiAlternatives(
        subject=f"Uplift: {shown.title}", body=render_to_string("emails/report.txt", context), to=plan.recipients
    )
    message.attach_alternative(render_to_string("analytics/report.html", context), "text/html")
    try:
        message.send()
    except (SMTPException, OSError) as error:
        logger.warning("The report %s could not be sent: %s", plan, error)
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
