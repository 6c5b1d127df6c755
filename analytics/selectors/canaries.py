"""How canaries stand."""

import msgspec

from analytics.compute.trial import Standing, Tally, standing
from analytics.models import CanaryTally
from optimizer_app.models import Canary


def tallies_of(canary: Canary) -> tuple[Tally, Tally, str]:
    """Both sides, old and new, and the guard that fell."""
    kept = CanaryTally.objects.filter(canary=canary).first() or CanaryTally()
    return msgspec.convert(kept.old, Tally), msgspec.convert(kept.new, Tally), kept.alarm


def standing_of(canary: Canary) -> Standing:
    """How it stands now, or stood at its end."""
    old, new, alarm = tallies_of(canary)
    return standing(old, new, smallest=canary.smallest, most_calls=canary.most_calls, alarm=alarm)
