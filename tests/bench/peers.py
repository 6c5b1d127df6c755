"""The yardsticks against MLflow and Phoenix, with Uplift beside them.

    python -m tests.bench.peers YARDSTICKS b2_ingest.py --contestants uplift,mlflow,phoenix --n 6000 --clients 1,4

YARDSTICKS is the folder of the scripts (its README says how to install the peers). A copy of it gets the adapter of
`tests/bench/contestant.py` as `contestants/uplift.py`; everything after the script's name goes to the script.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yardsticks", type=Path)
    parser.add_argument("script")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the yardsticks start a PostgreSQL server, as the user postgres, from there
        copy = Path(folder) / "bench"
        shutil.copytree(arguments.yardsticks, copy)
        shutil.copy(ROOT / "tests" / "bench" / "contestant.py", copy / "contestants" / "uplift.py")
        env = os.environ | {"UPLIFT_PROJECT": str(ROOT), "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, copy / arguments.script, *arguments.rest], cwd=copy, env=env).returncode


if __name__ == "__main__":
    sys.exit(main())
