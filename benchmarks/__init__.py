"""This product against the newest `venvstacks` on PyPI: the same stacks, the same machine, alternating runs.

    python -m benchmarks

from the root of a checkout; `--help` says how to run a part of it. Imports nothing of what it measures but the code
that starts processes, writes files and prepares Pythons; both contestants run from virtual environments of their own.
"""
