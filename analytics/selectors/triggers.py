"""What a worker's code asks for."""

from analytics.models import TriggerPolicy
from optimizer_app.models import Worker
from optimizer_app.selectors.optimizers import optimizer_names

FRESH = 100  # new examples
WEEKLY = "0 3 * * 1"


def asked_by_code(worker: Worker) -> TriggerPolicy:
    """A policy that is not stored, with the trigger and optimizer that the worker's decorator names: a person with the
    right to spend money has to switch it on."""
    told = worker.optimization
    policy = TriggerPolicy(worker=worker)
    match told.get("trigger"):
        case "examples":
            policy.on_degradation, policy.new_examples = False, FRESH
        case "schedule":
            policy.on_degradation, policy.cron = False, WEEKLY
    if told.get("optimizer") in optimizer_names():
        policy.optimizer = told["optimizer"]
    return policy
