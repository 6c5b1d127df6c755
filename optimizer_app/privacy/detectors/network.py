"""Addresses of machines, and web addresses that carry a credential."""

import ipaddress
import re
from collections.abc import Iterator

from optimizer_app.privacy.spans import Span

_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s<>\"']+")
_CREDENTIALS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_SECRET_QUERY = re.compile(
    r"(?i)[?&#;](?:[\w-]*(?:token|secret|key|sig|signature|password|pwd|auth|code|session|sid)[\w-]*)=[^&#\s]{6,}"
)
_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_VERSION_BEFORE = re.compile(
    r"(?i)(?:\bv|\bversions?|\bver\.?|\brelease|\bbuild|\bfirmware|\bsection|\bchapter)\s*:?\s*$"
)


def find(text: str) -> Iterator[Span]:
    """URLs with credentials in them, whole; IPv4 and IPv6 addresses."""
    if "://" in text:
        for match in _URL.finditer(text):
            address = match[0].rstrip(".,;:!?)]}")
            if _CREDENTIALS.search(address) or _SECRET_QUERY.search(address):
                yield Span(match.start(), match.start() + len(address), "url")
    if "." in text:
        for match in _V4.finditer(text):
            if _is_address(match[0]) and not _VERSION_BEFORE.search(text, max(0, match.start() - 20), match.start()):
                yield Span(*match.span(), "ip")
    if ":" in text:
        for match in _V6.finditer(text):
            if match[0].count(":") >= 2 and len(match[0]) > 4 and _is_address(match[0]):
                yield Span(*match.span(), "ip")


def _is_address(candidate: str) -> bool:
    try:
        ipaddress.ip_address(candidate)
    except ValueError:
        return False
    return True
