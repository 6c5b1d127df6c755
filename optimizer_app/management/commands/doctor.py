"""`manage.py doctor`: what is wrong with this installation."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.services.doctor import State, examine


class Command(BaseCommand):
    """A line for every check; ends with an error where something is wrong."""

    help = "Examine this installation and say what to do where something is not well."
    requires_system_checks = []  # they are among the findings

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object a line.")

    def handle(self, *args: Any, **options: Any) -> None:
        paint = {State.WELL: self.style.SUCCESS, State.DOUBTFUL: self.style.WARNING, State.WRONG: self.style.ERROR}
        wrong = 0
        for found in examine():
            wrong += found.state == State.WRONG
            if options["json"]:
                self.stdout.write(json.dumps(found._asdict()))
                continue
            self.stdout.write(f"{paint[found.state](f'{found.state:8}')} {found.subject}: {found.seen}")
            if found.remedy:
                self.stdout.write(f"         {found.remedy}")
        if wrong:
            raise CommandError(f"{wrong} things are wrong.")
