"""`manage.py rotate_keys`: seal everything with the first encryption key."""

from typing import Any

from django.core.management.base import BaseCommand

from optimizer_app.services.rotation import keys_rotate


class Command(BaseCommand):
    """Works beside running processes."""

    help = "Seal every encrypted value that an older key has sealed with the first of UPLIFT_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        done = keys_rotate()
        for place, count in done.items():
            if count:
                self.stdout.write(f"{place}: {count}")
        left = sum(done.values())
        self.stdout.write(f"{left} values sealed anew." if left else "Nothing is left under an older key.")
