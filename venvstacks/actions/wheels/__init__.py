"""Wheels of own packages: fetch the source, build it in isolation, keep and pin the result."""
