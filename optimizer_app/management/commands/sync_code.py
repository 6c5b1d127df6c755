"""`manage.py sync_code`: a worker for every program that code registers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.services.workers import workers_from_code


class Command(BaseCommand):
    """`start` does this by itself; run it after a change of UPLIFT_CODE_MODULES elsewhere."""

    help = "Make workers for the programs that UPLIFT_CODE_MODULES register."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = workers_from_code(by=SYSTEM)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{len(made)} workers made{': ' if made else '.'}{', '.join(w.name for w in made)}")
