"""`manage.py partition`: cut the executions of an existing PostgreSQL database into months."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from optimizer_app.common.problems import Refused
from optimizer_app.services.partitioning import partition


class Command(BaseCommand):
    """Databases that were made with this release are partitioned from the start."""

    help = "Cut executions into months (PostgreSQL), beside running processes, all of which must be of this release."

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError(f"{connection.display_name} has no partitions; this is for PostgreSQL.")
        try:
            partition(self.stdout.write)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        except OperationalError as error:
            raise CommandError(f"{str(error).strip()} Nothing is lost: run the command again.") from None
