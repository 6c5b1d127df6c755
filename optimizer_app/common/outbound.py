"""HTTP to addresses that people entered: only to hosts that may be reached, checked at the moment of connecting."""

import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT_S = 10
MOST_READ = 64 * 1024
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):  # noqa: N818 - an answer, not an error of the program
    """An address that must not be asked; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What the other side said; `body` is its beginning."""

    status: int
    body: bytes


def address_problem(url: str) -> str:
    """Why an address may not be entered; nothing where it may. A name that cannot be resolved now is let through."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no address."
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "Write a full address that starts with http:// or https://."
    if parts.username or parts.password:
        return "An address holds no user name or password; put the key into its own field."
    return next(filter(None, map(host_problem, resolved(parts.hostname))), "")


def host_problem(host: Address) -> str:
    """Why a host may not be reached."""
    if mapped := getattr(host, "ipv4_mapped", None):
        host = mapped
    if host.is_link_local:
        return "Link-local addresses are not allowed: cloud machines keep their credentials there."
    if host.is_multicast or host.is_unspecified or (host.is_reserved and not host.is_loopback):
        return "This is no address of a host."
    if (host.is_private or host.is_loopback) and not settings.ALLOW_PRIVATE_ADDRESSES:
        return "Addresses of this machine and this network are switched off."
    return ""


def resolved(host: str) -> list[Address]:
    """The addresses behind a host name; none when it cannot be resolved now."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def post(url: str, body: bytes, headers: dict[str, str], *, timeout_s: float = TIMEOUT_S) -> Answer:
    """Send a body; redirects are not followed. The host is resolved, checked, and the very address that was checked is
    connected to: a name that changes its address in between gains nothing. Raises AddressRefused, OSError or
    http.client.HTTPException."""
    if problem := address_problem(url):
        raise AddressRefused(problem)
    parts = urlsplit(url)
    hosts = resolved(parts.hostname or "")
    if not hosts:
        raise OSError(f"{parts.hostname} cannot be resolved")
    if problem := host_problem(hosts[0]):
        raise AddressRefused(problem)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, str(hosts[0]), timeout_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read(MOST_READ))
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None, address: str, timeout_s: float) -> http.client.HTTPConnection:
    """A connection to the address that still calls itself by the host's name."""
    if scheme == "http":
        plain = http.client.HTTPConnection(host, port, timeout=timeout_s)
        plain.sock = socket.create_connection((address, plain.port), timeout_s)
        return plain
    context = ssl.create_default_context()
    secure = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    raw = socket.create_connection((address, secure.port), timeout_s)
    secure.sock = context.wrap_socket(raw, server_hostname=host)
    return secure
