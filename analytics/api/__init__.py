"""The API of what was measured: thin callers of selectors and services."""
