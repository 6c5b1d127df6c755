"""`manage.py stats_rebuild`: aggregates anew from executions."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.services.stats import stats_absorb, worker_rebuild
from optimizer_app.models import Worker


class Command(BaseCommand):
    """Safe beside running writers; what was deleted by retention stays counted."""

    help = "Make the aggregates of executions anew, one worker and day at a time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--worker", help="The worker's name; all workers without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        workers = Worker.objects.all()
        if options["worker"]:
            workers = workers.filter(name=options["worker"])
            if not workers:
                raise CommandError(f"There is no worker called “{options['worker']}”.")
        stats_absorb()
        for worker in workers:
            self.stdout.write(f"{worker.name}: {worker_rebuild(worker.pk):,} days")
