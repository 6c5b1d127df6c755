"""What processes owe each other."""

import ctypes
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(sig: int) -> None:
    """Ask Linux to send this process `sig` when its parent dies, however it dies. Elsewhere: no effect."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sig)
