"""Scripts and styles, collected and compressed where the web process serves them from."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP = "collected.txt"  # of what was collected, so that a start with nothing new costs no second


def static_collect() -> bool:
    """Bring them up to date; False when they are already."""
    stamp, found = Path(settings.STATIC_ROOT) / STAMP, _fingerprint()
    if stamp.exists() and stamp.read_text() == found:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(found)
    return True


def _fingerprint() -> str:
    """Of every file's name, size and time."""
    told = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            kept = Path(storage.path(name)).stat()
            told.update(f"{name}:{kept.st_size}:{kept.st_mtime_ns}\n".encode())
    return told.hexdigest()
