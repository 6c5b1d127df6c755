"""`manage.py openapi`: write the OpenAPI document to docs/openapi.json."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from optimizer_app.api_root import api


class Command(BaseCommand):
    """The committed snapshot; a test compares it with the code."""

    help = "Write docs/openapi.json."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "openapi.json"
        path.write_text(json.dumps(api.get_openapi_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        self.stdout.write(f"Wrote {path.relative_to(settings.BASE_DIR)}.")
