"""`manage.py integrity`: whether everything that is stored holds together."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.services.integrity import measured_invariants
from optimizer_app.services.integrity import invariants

SHOWN = 5


class Command(BaseCommand):
    """Names every rule with how many rows it was asked of; ends with an error where one is broken."""

    help = "Check every rule that must hold of the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bodies", action="store_true", help="Open every encrypted body too; takes a while.")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for found in (*invariants(bodies=options["bodies"]), *measured_invariants()):
            mark = self.style.ERROR("broken") if found.broken else self.style.SUCCESS("holds")
            self.stdout.write(f"{mark}  {found.rule} ({found.checked:,} checked)")
            for told in found.broken[:SHOWN]:
                self.stdout.write(f"        {told}")
            broken += len(found.broken)
        if broken:
            raise CommandError(f"{broken} rows break a rule.")
