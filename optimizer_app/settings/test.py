"""Settings of the test suite: a data folder that vanishes, quick passwords, everything else as in production."""

import os
import tempfile

os.environ.setdefault("UPLIFT_DATA_DIR", tempfile.mkdtemp(prefix="uplift-test-"))

from optimizer_app.settings import *  # noqa: F403 - the folder must be set before the settings are read

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]  # noqa: F405
