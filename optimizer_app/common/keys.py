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
    if mark != MARK:
        raise DecryptionError("The value is not encrypted as Uplift does.")
    return _open(keys, key_id, base64.b64decode(body), context)


def seal_bytes(keys: str, plain: bytes, context: bytes) -> bytes:
    """As `seal`, without the third that base64 adds: length of the key's id, the id, nonce, ciphertext."""
    key_id, cipher = next(iter(_ciphers(keys).items()))
    name = key_id.encode()
    nonce = os.urandom(NONCE_BYTES)
    return bytes((len(name),)) + name + nonce + cipher.encrypt(nonce, plain, context)


def key_of(sealed: bytes) -> str:
    """The id of the key that sealed the bytes."""
    return sealed[1 : 1 + sealed[0]].decode()


def unseal_bytes(keys: str, sealed: bytes, context: bytes) -> bytes:
    """The plain bytes. Raises DecryptionError."""
    key_id = key_of(sealed)
    raw = sealed[1 + sealed[0] :]
    return _open(keys, key_id, raw, context)


def first_key(keys: str) -> str:
    """The id of the key in use."""
    return next(iter(_ciphers(keys)))


def _open(keys: str, key_id: str, raw: bytes, context: bytes) -> bytes:
    cipher = _ciphers(keys).get(key_id)
    if cipher is None:
        raise DecryptionError(f"Encrypted with key “{key_id}”, no data key and not in UPLIFT_ENCRYPTION_KEYS.")
    try:
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context)
    except InvalidTag:
        raise DecryptionError(f"Key “{key_id}” does not open the value: it was altered or moved.") from None


@lru_cache(maxsize=8)
def _ciphers(keys: str) -> dict[str, AESGCM]:
    pairs = (part.strip().partition(":") for part in keys.split(",") if part.strip())
    return {key_id: AESGCM(base64.b64decode(body)) for key_id, _, body in pairs}
