"""Plumbing that every layer above may use."""
