"""What docs/operations says matches the code: roles, queues, variables, metrics."""

import configparser
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from optimizer_app import jobs
from optimizer_app.jobs import PROMPT
from optimizer_app.models import Run
from optimizer_app.settings.queue import QUEUES
from tests.conftest import SignIn
from tests.factories.workers import queued_run, routing_worker

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations"
ROLES = ("web", "worker", *PROMPT)
PLACES = {"/data/", "/var/lib/uplift/"}


def compose() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((OPERATIONS / "compose.yaml").read_text())
    return told


def unit(role: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None, strict=True)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    name = "upkeep@" if role in PROMPT else role  # a template, %i is its instance
    read.read_string((OPERATIONS / f"uplift-{name}.service").read_text().replace("%i", role))
    return read


@pytest.mark.parametrize("role", ROLES)
def test_units_and_containers_run_the_same_commands(role: str) -> None:
    contained = compose()["services"][role]["command"]
    installed = unit(role)["Service"]["ExecStart"].replace("%%", "%").split()
    names = [Path(installed[0]).name, *installed[1:]]

    def plain(words: list[str]) -> list[str]:
        return [word if not any(word.startswith(place) for place in PLACES) else Path(word).name for word in words]

    told = [word.replace("127.0.0.1", "0.0.0.0") for word in plain(names)]
    assert told == plain(contained)
    for word in contained:
        if ":" in word and word.startswith("optimizer_app"):
            module, _, name = word.partition(":")
            assert hasattr(import_module(module), name)
    assert (contained[contained.index("--queues") + 1] if "--queues" in contained else role) == role


def test_every_job_has_a_queue_that_somebody_serves() -> None:
    names = {name for name in vars(jobs) if name.isupper()} - {"RUNS", "PROMPT", *map(str.upper, PROMPT)}
    routed = {job for queue, served in QUEUES.items() for job in served if queue in PROMPT}
    slow = {jobs.RUN_EXECUTE, jobs.FOLLOW_UP, jobs.REVIEW_SUGGEST, jobs.QUALITY, jobs.DATASET_IMPORT}
    assert {getattr(jobs, name) for name in names} == routed | slow


def test_every_variable_is_one_that_uplift_reads() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    asked = compose()["x-uplift"]["environment"]
    assert all(f"`{name}`" in settings for name in asked)
    for name in re.findall(r"UPLIFT_[A-Z_]+", (OPERATIONS / "Dockerfile").read_text()):
        assert f"`{name}`" in settings


def test_the_image_copies_what_there_is() -> None:
    copied = re.findall(r"^COPY --chown=uplift (.+) \S+$", (OPERATIONS / "Dockerfile").read_text(), re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())


@pytest.mark.django_db
def test_alert_rules_ask_for_metrics_that_exist(signed_in: SignIn) -> None:
    Run.objects.filter(pk=queued_run(routing_worker()).pk).update(status="running")
    client: Client = signed_in("viewer")
    served = {family.name for family in text_string_to_metric_families(client.get("/metrics").content.decode())}
    rules = yaml.safe_load((OPERATIONS / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"uplift_[a-z_]+", rule["expr"])}
    assert asked <= served
