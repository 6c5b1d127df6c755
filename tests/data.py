"""Where real data lies, which the project reads but does not contain."""

import os
from pathlib import Path

DATA = Path(os.environ.get("UPLIFT_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
