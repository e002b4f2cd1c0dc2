"""Ordered member lists of trees, and the writers that turn them into archives and exported folders."""
