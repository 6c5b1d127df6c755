"""`python -m tests.sabotage [WORD]`: break each guarantee in a copy of the project; ends with an error where no test
notices."""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 300
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
TABLE = Path(__file__).with_name("breaks.toml")


class Break(NamedTuple):
    """A line of the table; the test runs on SQLite where nothing else is said. `environment`: NAME=VALUE for it."""

    guarantee: str
    file: str
    old: str
    new: str
    test: str
    database: str = ""
    environment: str = ""


def breaks() -> list[Break]:
    """The whole table."""
    return [Break(**told) for told in tomllib.loads(TABLE.read_text(encoding="utf-8"))["breaks"]]


def noticed(broken: Break, copy: Path) -> bool:
    """Whether the test fails on the broken copy. Raises AssertionError where the line to break is not there once."""
    path = copy / broken.file
    whole = path.read_text(encoding="utf-8")
    assert whole.count(broken.old) == 1, f"{broken.guarantee}: {broken.old!r} stands {whole.count(broken.old)} times"
    path.write_text(whole.replace(broken.old, broken.new), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *broken.test.split()]
        chosen = {"DATABASE_URL": POSTGRES} if broken.database == "postgresql" else {}
        chosen |= dict(pair.split("=") for pair in broken.environment.split())
        done = subprocess.run(
            command, cwd=copy, env=os.environ | chosen, capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return True  # a test that never ends was noticed, too
    finally:
        path.write_text(whole, encoding="utf-8")
    ran = done.returncode in (0, 1) and " skipped" not in done.stdout
    assert ran, f"{broken.test} could not be run:\n{done.stdout[-2000:]}{done.stderr[-500:]}"
    return done.returncode == 1


def main(word: str) -> None:
    """A line for each; the last says how many were noticed."""
    asked = [broken for broken in breaks() if word in broken.guarantee]
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"  # with the history, from which the previous release is made
        subprocess.run(["git", "clone", "-q", "--shared", ROOT, copy], check=True)
        for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
            if (ROOT / name).exists():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy / name)
        for broken in asked:
            seen = noticed(broken, copy)
            sys.stdout.write(f"{'noticed' if seen else 'MISSED '}  {broken.guarantee}: {broken.test}\n")
            sys.stdout.flush()
            missed += [] if seen else [broken.guarantee]
    sys.stdout.write(f"{len(asked) - len(missed)} passed, {len(missed)} failed\n")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
