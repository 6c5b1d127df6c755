"""The envelope: data keys from the database, opened with the master keys of UPLIFT_ENCRYPTION_KEYS.

Values are sealed with the newest data key. A process learns of a new one within REFRESH_S, or at once when it meets a
value that it cannot open, so keys are exchanged without a restart; and a master key is exchanged by wrapping a few rows
anew.
"""

import base64
import time

from django.apps import apps
from django.conf import settings
from django.db import connection

from optimizer_app.common import keys

REFRESH_S = 10.0
_kept: list[tuple[float, str]] = []


def keyring(key_id: str = "") -> str:
    """Keys as `keys.seal` and `keys.unseal` take them: data keys, newest first, then master keys, which sealed
    everything before there were data keys. Read anew when old, or when `key_id` is not among them."""
    now = time.monotonic()
    if _kept and now - _kept[0][0] < REFRESH_S and (not key_id or f"{key_id}:" in _kept[0][1]):
        return _kept[0][1]
    opened = [f"{name}:{_unwrapped(name, value)}" for name, value in _stored()]
    told = ",".join([*opened, settings.ENCRYPTION_KEYS])
    _kept[:] = [(now, told)] if opened else []
    return told


def keyring_forget() -> None:
    """Read the keys anew at the next use."""
    _kept.clear()


def seal(plain: bytes, context: bytes) -> str:
    """Encrypt with the newest data key; see keys.seal."""
    return keys.seal(keyring(), plain, context)


def unseal(sealed: str, context: bytes) -> bytes:
    """The plain bytes. Raises keys.DecryptionError."""
    return keys.unseal(keyring(sealed.split(":", 2)[1] if ":" in sealed else ""), sealed, context)


def seal_bytes(plain: bytes, context: bytes) -> bytes:
    """As `seal`, shorter."""
    return keys.seal_bytes(keyring(), plain, context)


def unseal_bytes(sealed: bytes, context: bytes) -> bytes:
    """The plain bytes. Raises keys.DecryptionError."""
    return keys.unseal_bytes(keyring(keys.key_of(sealed)), sealed, context)


def wrapped(name: str, key: str) -> str:
    """A data key (base64) under the first master key."""
    return keys.seal(settings.ENCRYPTION_KEYS, base64.b64decode(key), _context(name))


def rewrapped(name: str, value: str) -> str:
    """A wrapped data key under the first master key, whichever it was under before."""
    return wrapped(name, _unwrapped(name, value))


def new_data_key() -> tuple[str, str]:
    """The name and the wrapped form of a fresh key."""
    name, _, key = keys.new_key().partition(":")
    return name, wrapped(name, key)


def _stored() -> list[tuple[str, str]]:
    data_keys = apps.get_model("optimizer_app", "DataKey")
    # Migrations before the table's own seal values too. Asked once: with keys at hand the table is there.
    if not _kept and data_keys._meta.db_table not in connection.introspection.table_names():
        return []
    return list(data_keys.objects.order_by("-id").values_list("name", "wrapped"))


def _unwrapped(name: str, value: str) -> str:
    return base64.b64encode(keys.unseal(settings.ENCRYPTION_KEYS, value, _context(name))).decode()


def _context(name: str) -> bytes:
    return f"data key {name}".encode()
