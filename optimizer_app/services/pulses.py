"""Signs of life of what runs again and again."""

from datetime import timedelta

from django.utils import timezone

from optimizer_app.models import Pulse

SCHEDULER = "scheduler"


def pulse(name: str) -> None:
    """Say that it came now."""
    Pulse.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def silence_of(name: str) -> timedelta | None:
    """How long ago it last came; None if it never did."""
    last = Pulse.objects.filter(name=name).first()
    return timezone.now() - last.at if last else None
