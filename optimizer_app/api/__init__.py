"""Endpoints under /api/v1. One router per noun, its schemas on top."""
