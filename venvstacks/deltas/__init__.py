"""Deltas between two versions of a layer: their format, how they are made, and how they are applied.

A delta holds the contents that the old version lacks, each under its SHA-256: changed files as patches of old ones, new
files whole. It names no path: the per-file manifest of the new version says which content belongs where.

    VSDELTA1            eight bytes
    length              of the packed index, eight bytes, little endian
    index               JSON, compressed with zlib: see `delta_index`
    patches             zstandard frames, one for each window of each patched file, in the order of the index
    whole files         one zstandard frame of all files that are not patched, in the order of the index
"""
