"""Reports: sent once, to the right people, with the right time; links open until they expire or are closed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from analytics.models import ReportPlan, SharedLink
from analytics.services.reports import link_make, link_revoke, next_time, report_plan, reports_send_due
from analytics.services.stats import stats_absorb
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.models import AuditEvent, Worker
from tests.conftest import SignIn
from tests.factories.executions import record, recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail_server(settings: object) -> None:
    settings.EMAIL_HOST = "mail.example"  # type: ignore[attr-defined]


def due(**changes: object) -> ReportPlan:
    plan = report_plan(None, by=SYSTEM, recipients=["boss@b.example"], weekday=0, hour=8)
    ReportPlan.objects.filter(pk=plan.pk).update(next_at=timezone.now() - timedelta(minutes=1), **changes)
    return plan


@pytest.mark.usefixtures("mail_server")
def test_a_report_is_sent_once_and_moves_to_the_next_week(worker: Worker) -> None:
    recorded(worker, *(record(worker, started_at=timezone.now()) for _ in range(3)))
    stats_absorb()
    plan = due()
    assert reports_send_due() == 1
    assert reports_send_due() == 0
    sent = mail.outbox[0]
    assert sent.to == ["boss@b.example"]
    assert "3 calls" in sent.body
    assert isinstance(sent, EmailMultiAlternatives)
    assert worker.name in str(sent.alternatives[0])
    plan.refresh_from_db()
    assert plan.next_at > timezone.now()
    assert plan.sent_at is not None


def test_without_a_mail_server_the_reason_is_shown() -> None:
    plan = due()
    assert reports_send_due() == 0
    plan.refresh_from_db()
    assert "UPLIFT_SMTP_HOST" in plan.problem


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), datetime(2026, 11, 30, 8, tzinfo=UTC)),
    ],
)
def test_the_next_monday_at_eight(now: datetime, told: datetime) -> None:
    assert next_time(now, 0, 8) == told


def test_a_link_opens_for_anyone_until_it_is_closed_or_over(worker: Worker) -> None:
    link, secret = link_make(worker, by=SYSTEM, days=1)
    response = Client().get(f"/shared/{secret}/")
    assert response.status_code == 200
    assert worker.name in response.content.decode()
    assert response["Referrer-Policy"] == "no-referrer"
    assert secret not in str(SharedLink.objects.values()) + str(list(AuditEvent.objects.values()))
    SharedLink.objects.update(expires_at=timezone.now())
    assert Client().get(f"/shared/{secret}/").status_code == 404
    SharedLink.objects.update(expires_at=timezone.now() + timedelta(days=1))
    link_revoke(link, by=SYSTEM)
    assert Client().get(f"/shared/{secret}/").status_code == 404
    assert Client().get("/shared/guess/").status_code == 404


@pytest.mark.parametrize("recipients", [[], ["nobody"], ["a@b.example"] * 21])
def test_addresses_are_checked(recipients: list[str]) -> None:
    with pytest.raises(Refused):
        report_plan(None, by=SYSTEM, recipients=recipients, weekday=0, hour=8)


def test_an_approver_plans_and_shares_by_form(signed_in: SignIn) -> None:
    client = signed_in("approver")
    sent = {"plan": "1", "worker": "", "recipients": "a@b.example\n\nc@d.example", "weekday": "4", "hour": "17"}
    assert client.post("/reports/", sent).status_code == 302
    assert ReportPlan.objects.get().recipients == ["a@b.example", "c@d.example"]
    page = client.post("/reports/", {"share": "1", "worker": "", "days": "7"}).content.decode()
    assert "/shared/" in page
    assert client.post(f"/reports/links/{SharedLink.objects.get().pk}/close/").status_code == 302
    assert "closed" in client.get("/reports/").content.decode()
    assert client.post(f"/reports/plans/{ReportPlan.objects.get().pk}/remove/").status_code == 302
