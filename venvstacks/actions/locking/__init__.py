"""Locking one layer: from a request to lock files on disk, with uv doing the resolving."""
