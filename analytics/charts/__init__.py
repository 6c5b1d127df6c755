"""Figures as plain Plotly dictionaries: rows in, figure out.

Building and serializing a plain dict is about 100 times quicker than a Figure object.
"""
