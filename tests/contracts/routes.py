"""Every page and every API operation, and their addresses."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from optimizer_app.api_root import api
from tests.contracts.rights import ARGUMENTS, QUERIES


def routes(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, entry.namespace or namespace)
        else:
            yield f"{namespace}:{entry.name}", entry


def our_routes() -> dict[str, URLPattern]:
    found = dict(routes(get_resolver()))
    return {name: route for name, route in found.items() if name.startswith(("optimizer:", "analytics:"))}


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    schema = api.get_openapi_schema()
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def address(name: str, world: dict[str, Any]) -> str:
    names = our_routes()[name].pattern.converters
    asked = QUERIES.get(name, "").format(**world)
    told = world | ARGUMENTS.get(name, {})
    return reverse(name, kwargs={key: told[key] for key in names}) + asked


def every_address(resolver: URLResolver | None = None, before: str = "/") -> Iterator[str]:
    """Each address that the project answers, with 1 for whatever it asks for; those of the shell and of Django, too."""
    for entry in (resolver or get_resolver()).url_patterns:
        here = before + re.sub(r"<[^>]+>", "1", str(entry.pattern)).lstrip("^").rstrip("$")
        if isinstance(entry, URLResolver):
            yield from every_address(entry, here)
        elif "(" not in here:
            yield here
