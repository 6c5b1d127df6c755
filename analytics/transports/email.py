"""By mail."""

from smtplib import SMTPException, SMTPRecipientsRefused

import msgspec
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from analytics.transports.messages import Message, SendError


class EmailConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To whom."""

    addresses: list[str]


def send(config: EmailConfig, message: Message) -> None:
    """Send one mail. Raises SendError."""
    if not settings.EMAIL_HOST:
        raise SendError("No mail server is set: UPLIFT_SMTP_HOST.")
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2] or "uplift"
    # The same id in every attempt: mail programs show a repetition once.
    headers = {"Message-ID": f"<{message.key}@{domain}>", "References": f"<{message.thread}@{domain}>"}
    mail = EmailMultiAlternatives(
        subject=message.title, body=render_to_string("emails/incident.txt", {"message": message}),
        to=config.addresses, headers=headers,
    )  # fmt: skip
    mail.attach_alternative(render_to_string("emails/incident.html", {"message": message}), "text/html")
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        raise SendError(f"The server refused the addresses: {error}", permanent=True) from None
    except (SMTPException, OSError) as error:
        raise SendError(f"{type(error).__name__}: {error}") from None
