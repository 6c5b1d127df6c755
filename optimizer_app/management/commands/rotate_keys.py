"""`manage.py rotate_keys`: exchange encryption keys while everything runs."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from optimizer_app.common.keyring import REFRESH_S
from optimizer_app.services.rotation import data_key_make, keys_rotate, master_rotate


class Command(BaseCommand):
    """Works beside running processes, none of which must be restarted for a new data key."""

    help = "Make a new data key and seal everything with it; --master only wraps the data keys anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--master", action="store_true", help="After UPLIFT_ENCRYPTION_KEYS got a new first key.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["master"]:
            self.stdout.write(f"{master_rotate()} data keys are wrapped with the first of UPLIFT_ENCRYPTION_KEYS.")
            return
        self.stdout.write(f"{data_key_make()} is made.")
        while sealed := {place: count for place, count in keys_rotate().items() if count}:
            for place, count in sealed.items():
                self.stdout.write(f"{place}: {count}")
            time.sleep(REFRESH_S)  # what others sealed before they heard of the key comes with the next round
        self.stdout.write("Nothing is left under an older key.")
