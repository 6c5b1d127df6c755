"""`manage.py verify_audit`: whether the audit log is whole."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.models import AuditEvent
from optimizer_app.services.audit import chain_head, first_broken


class Command(BaseCommand):
    """Exits with an error that names the first altered, removed or reordered event; prints the chain's head
    otherwise."""

    help = "Check the hash chain of the audit log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seen", default="", metavar="NUMBER:HASH", help="A head that this command printed before."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        seen: str = options["seen"]
        if seen and not seen.partition(":")[0].isdigit():
            raise CommandError(f"--seen {seen}: write NUMBER:HASH, as this command prints it.")
        if (number := first_broken(seen=seen)) is not None:
            raise CommandError(f"The audit log was altered at event {number} or just before it.")
        self.stdout.write(f"The audit log is whole: {AuditEvent.objects.count()} events, head {chain_head() or 'none'}")
