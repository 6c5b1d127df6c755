"""Minimal valid rows, made through the services that make real ones."""
