"""The statistics: pure functions and small state objects. Formulas and measured coverage: docs/statistics.md."""
