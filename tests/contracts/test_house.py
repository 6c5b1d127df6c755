"""Rules of the house that a machine can check."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from django.core.management import call_command, get_commands
from django.db.migrations.loader import MigrationLoader
from importlinter.cli import lint_imports

from optimizer_app.api_root import api

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for app in ("optimizer_app", "analytics")
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]
LONGEST_MODULE, MEDIAN_MODULE, LONGEST_FUNCTION = 400, 80, 50
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "misc.py"}


def filled_lines(path: Path) -> int:
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


def test_imports_run_one_way() -> None:
    assert lint_imports(config_filename=str(ROOT / ".importlinter")) == 0


def test_modules_are_small() -> None:
    sizes = {str(path.relative_to(ROOT)): filled_lines(path) for path in SOURCES}

    assert {name: size for name, size in sizes.items() if size > LONGEST_MODULE} == {}
    assert median(size for size in sizes.values() if size) < MEDIAN_MODULE


def test_functions_are_short() -> None:
    long = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    long.append((str(path.relative_to(ROOT)), node.name, length))

    assert not long


def test_modules_have_names_and_say_what_they_are() -> None:
    assert not [path for path in SOURCES if path.name in FORBIDDEN_NAMES]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in SOURCES}
    silent = [name for name, text in texts.items() if text.strip() and not ast.get_docstring(ast.parse(text))]
    assert not silent


def test_templates_trust_no_text() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape off|\bon(click|load|change)=|style=\"", content), path


def test_openapi_snapshot_is_current() -> None:
    snapshot = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(api.get_openapi_schema())) == snapshot, "run: manage.py openapi"


@pytest.mark.django_db
def test_no_migration_is_missing_and_history_is_one_line() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    graph = MigrationLoader(None).graph
    assert len(graph.leaf_nodes("optimizer_app")) == 1


def test_the_web_process_does_without_what_only_runs_need() -> None:
    script = (
        "import sys, django; django.setup(); import optimizer_app.urls;"
        "print([name for name in ('dspy', 'litellm', 'numpy', 'scipy', 'sklearn', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_waiting_for_work_does_without_what_pages_runs_and_other_databases_need() -> None:
    heavy = ("dspy", "litellm", "numpy", "ninja", "pydantic", "unfold", "psycopg", "regex", "optimizer_app.urls")
    script = (
        "import sys; from optimizer_app.celery import app; app.loader.import_default_modules(); app.finalize();"
        f"assert app.tasks['optimizer_app.run_execute']; print([name for name in {heavy} if name in sys.modules])"
    )
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=kept, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_command_and_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    commands = {name for name, app in get_commands().items() if app in ("optimizer_app", "analytics")}
    sources = "".join(path.read_text() for path in (ROOT / "optimizer_app/settings").glob("*.py"))
    settings = set(re.findall(r'env\.\w+\(\s*"(\w+)"', sources))

    assert {name for name in commands | settings if f"`{name}" not in text} == set()


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            if not (path.parent / target).exists():
                broken.append((str(path.relative_to(ROOT)), target))

    assert not broken
