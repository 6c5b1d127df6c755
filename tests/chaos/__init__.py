"""Faults on purpose, at random moments, under mixed load: `python -m tests.chaos --rounds 200 --seed 1`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings.test")  # factories need models
django.setup()
