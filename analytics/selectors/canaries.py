"""How canaries stand."""

from dataclasses import dataclass

import msgspec

from analytics.compute.trial import Standing, Tally, standing
from analytics.models import CanaryTally
from optimizer_app.models import Canary


@dataclass(frozen=True)
class Trial:
    """Both sides' sums, the guard that fell, and how it stands now or stood at its end."""

    canary: Canary
    old: Tally
    new: Tally
    alarm: str
    standing: Standing

    @property
    def mark(self) -> str:
        """Changes whenever something of it does."""
        return f"{self.canary.status}-{self.standing.calls}-{self.new.score.n + self.old.score.n}"


def trial_of(canary: Canary) -> Trial:
    """What is known of a canary."""
    kept = CanaryTally.objects.filter(canary=canary).first() or CanaryTally()
    old, new = msgspec.convert(kept.old, Tally), msgspec.convert(kept.new, Tally)
    found = standing(old, new, smallest=canary.smallest, most_calls=canary.most_calls, alarm=kept.alarm)
    return Trial(canary, old, new, kept.alarm, found)
