"""Encryption with keys that can be changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.common.keys import DecryptionError, new_key, seal, unseal

OLD, NEW = new_key(), new_key()


@given(st.binary(max_size=500))
def test_round_trip(plain: bytes) -> None:
    assert unseal(OLD, seal(OLD, plain, b"place"), b"place") == plain


def test_old_rows_stay_readable_after_a_change_of_keys() -> None:
    sealed = seal(OLD, b"x", b"place")

    assert unseal(f"{NEW},{OLD}", sealed, b"place") == b"x"
    assert seal(f"{NEW},{OLD}", b"x", b"place").split(":")[1] == NEW.split(":")[0]


def test_unknown_keys_moved_and_altered_values_are_refused() -> None:
    sealed = seal(OLD, b"x", b"place")

    for keys, value, place in ((NEW, sealed, b"place"), (OLD, sealed, b"elsewhere"), (OLD, "plain text", b"place")):
        with pytest.raises(DecryptionError):
            unseal(keys, value, place)
    with pytest.raises(DecryptionError):
        unseal(OLD, sealed[:-8] + "AAAAAAA=", b"place")
