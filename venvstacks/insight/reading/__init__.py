"""Reads what layers hold from publications, projects and locks."""
