"""`manage.py compare --worker NAME --before V --after W`: before and after of two imported variants."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.selectors.evaluations import OutsideComparison, compare_outside
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker


class Command(BaseCommand):
    """The numbers of the page, for scripts."""

    help = "Compare two variants of a worker on the examples that both were scored on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--worker", required=True)
        parser.add_argument("--before", required=True)
        parser.add_argument("--after", required=True)
        parser.add_argument("--minimum-effect", type=float, default=0.05, help="Smallest difference that matters.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker.objects.filter(name=options["worker"]).first()
        if worker is None:
            raise CommandError(f"There is no worker called “{options['worker']}”.")
        if not 0 < options["minimum_effect"] < 1:
            raise CommandError("The smallest difference that matters lies between 0 and 1.")
        try:
            found = compare_outside(
                worker, options["before"], options["after"], minimum_effect=options["minimum_effect"]
            )
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(json.dumps(as_data(found), indent=2) if options["json"] else _sentence(found))


def as_data(found: OutsideComparison) -> dict[str, Any]:
    """Scores and differences as shares of 1, after minus before."""
    c = found.numbers
    return {
        "before": found.before.variant, "after": found.after.variant, "n": c.n, "mean_before": c.before,
        "mean_after": c.after, "fixed": c.fixed, "broken": c.broken, "unchanged": c.unchanged,
        "difference": c.difference, "interval": [c.low, c.high], "confidence": 0.95, "p": c.p_value,
        "p_sign_flip": c.sign_flip_p, "p_improved": c.p_improved, "verdict": c.verdict,
        "only_before": found.only_before, "only_after": found.only_after, "more_examples": c.more_examples,
    }  # fmt: skip


def _sentence(found: OutsideComparison) -> str:
    c = found.numbers
    return (
        f"{found.before.variant} → {found.after.variant}, n={c.n:,}: {100 * c.before:.1f} % → {100 * c.after:.1f} %, "
        f"{100 * c.difference:+.1f} points, 95 % interval [{100 * c.low:+.1f}, {100 * c.high:+.1f}], "
        f"p={c.p_value:.2g}; {c.fixed:,} fixed, {c.broken:,} broken. Verdict: {c.verdict}."
    )
