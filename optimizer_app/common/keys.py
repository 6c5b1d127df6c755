"""Encryption keys: AES-GCM with key ids, so that keys can be changed while old rows stay readable."""

import base64
import os
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = "enc1"
NONCE_BYTES = 12


class DecryptionError(Exception):
    """A sealed value that no configured key opens."""


def new_key() -> str:
    """A fresh key as `id:base64`."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(AESGCM.generate_key(256)).decode()}"


def seal(keys: str, plain: bytes, context: bytes) -> str:
    """Encrypt with the first key. `context` binds the value to its place: elsewhere it does not open."""
    key_id, cipher = next(iter(_ciphers(keys).items()))
    nonce = os.urandom(NONCE_BYTES)
    body = base64.b64encode(nonce + cipher.encrypt(nonce, plain, context)).decode()
    return f"{MARK}:{key_id}:{body}"


def unseal(keys: str, sealed: str, context: bytes) -> bytes:
    """Decrypt with the key that the value names. Raises DecryptionError."""
    mark, _, rest = sealed.partition(":")
    key_id, _, body = rest.partition(":")
    cipher = _ciphers(keys).get(key_id)
    if mark != MARK or cipher is None:
        raise DecryptionError(f"Encrypted with key “{key_id}”, which UPLIFT_ENCRYPTION_KEYS does not have.")
    raw = base64.b64decode(body)
    try:
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context)
    except InvalidTag:
        raise DecryptionError(f"Key “{key_id}” does not open the value: it was altered or moved.") from None


@lru_cache(maxsize=8)
def _ciphers(keys: str) -> dict[str, AESGCM]:
    pairs = (part.strip().partition(":") for part in keys.split(",") if part.strip())
    return {key_id: AESGCM(base64.b64decode(body)) for key_id, _, body in pairs}
