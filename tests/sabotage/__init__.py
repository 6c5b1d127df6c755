"""Guarantees broken on purpose, to see their tests fail: `python -m tests.sabotage`."""
