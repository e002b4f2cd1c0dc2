"""Deploying as arithmetic: which layers an application needs, what is fetched, kept and dropped, what is installed."""
