"""`manage.py backup FILE`: a copy of the database, beside running processes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.services.backups import backup_make


class Command(BaseCommand):
    """The keys are not in it; keep them elsewhere."""

    help = "Copy the database into a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            size = backup_make(options["file"])
        except (Conflict, Refused) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{options['file']}: {size:,} bytes. The encryption keys are not in it.")
