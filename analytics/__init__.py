"""The app that measures: overview, before/after and the figures they show."""
