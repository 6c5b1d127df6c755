"""The ledger of a worker: what its optimizations cost, what its better answers are worth, and the verdict."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

from django.core.cache import cache

from analytics.compute.roi import Stake, Worth, worth
from analytics.models import WorkerValue
from analytics.selectors.investments import (
    Spent,
    Step,
    chains_by_worker,
    served_by_version,
    spent_by_worker,
    step_of,
)
from analytics.selectors.stats import daily_rates
from optimizer_app.models import Run, Worker

KEPT_S = 20  # a page of all workers may be so much behind; a worker's own page is not


@dataclass(frozen=True)
class Ledger:
    """A worker's balance. `gain` and `cost` are those of the active version over the baseline, per call; `worth` is
    None until someone said what a correct answer is worth, or while nothing was gained or lost."""

    worker: int
    name: str
    version: int
    value: WorkerValue
    spent: Spent
    spent_usd: float
    steps: list[Step]
    gain: float
    error: float
    cost: float
    priced: bool
    per_day: float
    stake: Stake
    worth: Worth | None
    served: int  # calls that versions after the baseline answered
    earned_usd: float | None  # by them, before what was spent

    @property
    def compute_usd(self) -> float:
        return self.spent.minutes / 60 * self.value.compute_hour_usd

    @property
    def people_usd(self) -> float:
        return self.value.person_hours * self.value.person_hour_usd

    @property
    def to_date_usd(self) -> float | None:
        """Net value up to now."""
        return None if self.earned_usd is None else self.earned_usd - self.spent_usd


def ledgers(workers: Collection[Worker]) -> list[Ledger]:
    """The ledgers of workers that have their active version at hand, in their order; a fixed number of queries."""
    ids = [worker.pk for worker in workers]
    values = {value.worker_id: value for value in WorkerValue.objects.filter(worker__in=ids)}
    spent, rates, chains = spent_by_worker(ids), daily_rates(ids), chains_by_worker(workers)
    served = served_by_version(ids, {step.version for steps in chains.values() for step in steps})
    return [
        _ledger(
            worker, values.get(worker.pk) or WorkerValue(worker=worker), spent.get(worker.pk, Spent()),
            chains[worker.pk], rates.get(worker.pk, 0.0), served.get(worker.pk, {}),
        )
        for worker in workers
    ]  # fmt: skip


def all_ledgers() -> list[Ledger]:
    """Every worker's ledger; up to KEPT_S seconds old, as of any worker that is there now."""
    workers = list(Worker.objects.select_related("active_version").only("name", "active_version__number"))
    key = f"ledgers-{hash(tuple((worker.pk, worker.name, worker.active_version_id) for worker in workers))}"
    kept: list[Ledger] | None = cache.get(key)
    if kept is None:
        kept = ledgers(workers)
        cache.set(key, kept, KEPT_S)
    return kept


def with_changes(ledger: Ledger, *, value: float | None, per_day: float | None, cost: float | None) -> Ledger:
    """The ledger if the value of an answer, the calls a day or the change of cost were others."""
    stake = replace(
        ledger.stake,
        value=ledger.stake.value if value is None else value,
        per_day=ledger.stake.per_day if per_day is None else per_day,
        cost=ledger.stake.cost if cost is None else cost,
    )
    return replace(ledger, stake=stake, per_day=stake.per_day, cost=stake.cost, worth=worth(stake))


def with_version(ledger: Ledger, run: Run) -> Ledger:
    """The ledger if the winner of a run were active."""
    step = step_of(run)
    if step is None:
        return ledger
    cost = _change(step, ledger.value)
    stake = replace(ledger.stake, gain=step.gain, gain_error=step.error, cost=cost)
    judged = ledger.value.correct_usd is not None
    return replace(ledger, stake=stake, gain=step.gain, error=step.error, worth=worth(stake) if judged else None)


def _ledger(
    worker: Worker, value: WorkerValue, spent: Spent, steps: list[Step], per_day: float, served: dict[int, int]
) -> Ledger:
    gain, error = sum(s.gain for s in steps), math.sqrt(sum(s.error**2 for s in steps))
    cost, priced = sum(_change(s, value) for s in steps), all(s.cost is not None for s in steps)
    total = spent.models_usd + spent.minutes / 60 * value.compute_hour_usd + value.person_hours * value.person_hour_usd
    answer = value.correct_usd
    stake = Stake(
        spent=total, gain=gain, gain_error=error, cost=cost, cost_error=0.0, value=answer or 0.0, per_day=per_day,
        horizon_days=value.horizon_days,
    )  # fmt: skip
    judged = answer is not None and (steps or total)
    return Ledger(
        worker=worker.pk, name=worker.name, version=worker.active_version.number if worker.active_version else 0,
        value=value, spent=spent, spent_usd=total, steps=steps, gain=gain, error=error, cost=cost, priced=priced,
        per_day=per_day, stake=stake, worth=worth(stake) if judged else None, served=sum(served.values()),
        earned_usd=_earned(steps, served, value, answer) if judged and answer is not None else None,
    )  # fmt: skip


def _change(step: Step, value: WorkerValue) -> float:
    """What a call costs more: the model's price, and the caller's time where that has one."""
    return (step.cost or 0.0) + value.second_usd * (step.seconds or 0.0)


def _earned(steps: list[Step], served: dict[int, int], value: WorkerValue, answer: float) -> float:
    """Each version's calls times what a call of it is worth more than one of the baseline."""
    earned = gain = cost = 0.0
    for step in steps:
        gain, cost = gain + step.gain, cost + _change(step, value)
        earned += served.get(step.version, 0) * (answer * gain - cost)
    return earned
