"""`manage.py verify_audit`: whether the audit log is whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.models import AuditEvent
from optimizer_app.services.audit import first_broken


class Command(BaseCommand):
    """Exits with an error that names the first altered, removed or reordered event."""

    help = "Check the hash chain of the audit log."

    def handle(self, *args: Any, **options: Any) -> None:
        if (number := first_broken()) is not None:
            raise CommandError(f"The audit log was altered at event {number} or just before it.")
        self.stdout.write(f"The audit log is whole: {AuditEvent.objects.count()} events.")
