"""Settings of the test suite: a data folder that vanishes, quick passwords, everything else as in production."""

import os
import tempfile

# Workers of pytest-xdist inherit the variable from their parent; each needs a folder of its own.
if "PYTEST_XDIST_WORKER" in os.environ or "UPLIFT_DATA_DIR" not in os.environ:
    os.environ["UPLIFT_DATA_DIR"] = tempfile.mkdtemp(prefix="uplift-test-")

from optimizer_app.settings import *  # noqa: F403 - the folder must be set before the settings are read

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
