"""Distributed runs: tasks that the workers of a Dask cluster do, and the workers."""
