"""`manage.py create_token`: an API token for a script."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optimizer_app.common.access import MEANING, SYSTEM, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Team
from optimizer_app.services.tokens import token_create


class Command(BaseCommand):
    """Prints the token's text, this once."""

    help = "Make an API token and print it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        scopes = "; ".join(f"{scope}: {MEANING[scope]}" for scope in Capability)
        parser.add_argument("--name", required=True)
        parser.add_argument("--scope", nargs="+", required=True, choices=list(Capability), help=scopes)
        parser.add_argument("--team", default="", help="What it sees where UPLIFT_TEAMS is on; without: everything.")

    def handle(self, *args: Any, **options: Any) -> None:
        team = Team.objects.filter(name=options["team"]).first()
        if options["team"] and team is None:
            raise CommandError(f"There is no team “{options['team']}”.")
        try:
            _, text = token_create(by=SYSTEM, name=options["name"], scopes=options["scope"], team=team)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(text)
