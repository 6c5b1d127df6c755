"""`manage.py restore FILE`: what `backup` copied, brought back."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.services.backups import backup_restore


class Command(BaseCommand):
    """While nothing else runs; migrates nothing by itself."""

    help = "Put a backup in the place of the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="Although the database has workers.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            backup_restore(options["file"], replace=options["replace"])
        except (Conflict, Refused) as error:
            raise CommandError(str(error)) from None
        self.stdout.write("Restored. Now run: manage.py migrate, then manage.py integrity --bodies")
