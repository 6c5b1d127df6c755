"""Filters of the measuring pages."""
