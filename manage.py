#!/usr/bin/env python
"""Uplift's command line: `uv run manage.py start` runs everything."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings")
    execute_from_command_line(sys.argv)
