"""Layered Python environments: specified, locked, built, linked and published as a graph of tasks."""
