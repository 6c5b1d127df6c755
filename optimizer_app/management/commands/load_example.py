"""`manage.py load_example NAME`: a worker of docs/examples with its data and metric."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.services.samples import sample_load, sample_names


class Command(BaseCommand):
    """Without a name it lists what there is."""

    help = "Load an example worker with its data."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="Which example; none lists them.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["name"]:
            self.stdout.write("\n".join(sample_names()))
            return
        try:
            sample = sample_load(options["name"], by=SYSTEM)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        counts = sample.version.counts
        self.stdout.write(
            f"Loaded “{sample.worker.name}” with {counts['train']} training, {counts['validation']} validation and "
            f"{counts['test']} test examples. Try {sample.optimizer}: /workers/{sample.worker.pk}/optimize/"
        )
