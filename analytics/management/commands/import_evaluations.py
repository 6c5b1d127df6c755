"""`manage.py import_evaluations FILE --worker NAME`: evaluations that were made elsewhere."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.services.evaluations import evaluations_bring
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker


class Command(BaseCommand):
    """Rows of example, variant, score and, if known, output, expected, cost, latency, slice; CSV or JSONL."""

    help = "Import per-example results of evaluations made elsewhere (CSV, JSONL, JSON or Parquet)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--worker", required=True, help="The worker's name; one that is not known is created.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from None
        try:
            known = Worker.objects.filter(name=options["worker"]).exists()
            done = evaluations_bring(options["worker"], path.name, raw, by=SYSTEM)
        except Refused as refused:
            raise CommandError("\n".join(refused.problems)) from None
        if not known:
            self.stdout.write(f"There was no worker “{done.worker.name}”; it was created, with a stand-in program.")
        for variant, n in done.variants.items():
            self.stdout.write(f"{variant}: {n:,} examples")
        if done.ignored:
            self.stdout.write(f"Not read: {', '.join(done.ignored)}")
        self.stdout.write(f"Compare them: manage.py compare --worker “{done.worker.name}” --before … --after …")
