"""What tests of every page and operation share."""

from typing import Any

import pytest

from tests.contracts.world import build


@pytest.fixture
def world() -> dict[str, Any]:
    """One of everything, as the arguments that URLs and operations need."""
    return build()
