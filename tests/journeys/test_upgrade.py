"""From the previous release to this one: its database, made by its own code, comes along whole and without downtime."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.journeys.installation import ROOT, Installation

pytestmark = pytest.mark.journey
PREVIOUS = "9420f65962d4a9df59feb0baed3bfa67b6d53701"  # the release before this one, and the last migrations it had
RELEASED = {"optimizer_app": 6, "analytics": 6}

FILL = """
from optimizer_app.services.demo import demo_load
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.people import first_admin_create
from tests.factories.executions import record, recorded
first_admin_create()
run = demo_load()[0]
run_execute(run.pk)
recorded(run.worker, *(record(run.worker) for _ in range(20)))
"""
LOOK = """
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import AuditHead, DataKey, Execution, Run
from optimizer_app.services.versions import version_promote
run = Run.objects.exclude(winner=None).get()
version_promote(run.winner, by=SYSTEM)
print(Execution.objects.count(), Execution.objects.first().content.inputs, AuditHead.objects.count())
assert not DataKey.objects.exists()
"""


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The code of the previous release."""
    asked = ["git", "archive", "--format=tar", PREVIOUS]
    packed = subprocess.run(asked, cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"The history of the previous release is not there ({packed.stderr.decode().strip()}).")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "previous", filter="data")
    return tmp_path / "previous"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_database_of_the_previous_release_comes_along_whole(
    previous: Path, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    chosen = {} if database == "sqlite" else {"DATABASE_URL": request.getfixturevalue("postgres_url")}
    installation = Installation(tmp_path / "i", environment=chosen)
    installation.folder.mkdir()

    def old(*arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=previous, env=installation.variables(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    old("migrate", "-v0")
    old("shell", "-v0", "-c", FILL)
    installation.command("migrate", "-v0")

    said = installation.command("shell", "-v0", "-c", LOOK).splitlines()[-1]
    assert said.startswith("20 {")
    assert said.endswith("} 1")
    assert "whole" in installation.command("verify_audit")
    assert "broken" not in installation.command("integrity", "--bodies")
    old("integrity", "--bodies")  # processes of the previous release still run beside this one, and read all of it
    installation.command("rotate_keys")
    assert "broken" not in installation.command("integrity", "--bodies")


def test_new_migrations_lock_nothing_for_long_and_break_no_process_that_still_runs(postgres_url: str) -> None:
    """By django-migration-linter, which reads the SQL for PostgreSQL."""
    loader = MigrationLoader(None)
    new = [(app, name) for app, name in loader.disk_migrations if int(name[:4]) > RELEASED.get(app, 9999)]
    assert new
    test: dict[str, Any] = {"DATABASE_URL": postgres_url, "DJANGO_SETTINGS_MODULE": "optimizer_app.settings.test"}
    for app, name in new:
        command = [sys.executable, "manage.py", "lintmigrations", app, name, "--no-cache", "--warnings-as-errors"]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | test, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
