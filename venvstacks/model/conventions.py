"""Names of files and folders, and values of settings, that are the same for every stack."""

from __future__ import annotations

from typing import Literal

LayerKind = Literal["runtime", "framework", "application"]

LAYER_CONFIG = "share/venv/metadata/venvstacks_layer.json"
LAYER_OVERLAY = "share/venv/metadata/venvstacks_overlay.json"
DYNLIB_DIR = "share/venv/dynlib"
DLL_DIR = "Library/bin"  # what the original has in place of the former on Windows
DYNLIB_PATH = "share/venv/dynlib-path"
WRAPPED_FOLDER = "libexec"  # of the interpreter that a wrapper starts; Python looks for pyvenv.cfg one folder above
METADATA_DIR = "__venvstacks__"
STATE_FOLDER = ".venvstacks"  # of a build folder

Bytecode = Literal["on-deploy", "shipped", "none"]
"""When bytecode is compiled: after deploying, before publishing, or never."""

LinkMode = Literal["clone", "copy", "hardlink"]
"""How files get into exports."""

MANIFEST_LIMIT = 32 << 20
"""Bytes of the manifest of a stack that are read: twenty thousand layers as they are published."""

MANIFEST_VALUES = 2_000_000
"""Elements of arrays and objects in a manifest."""

MOST_LAYERS = 10_000
"""Layers of one manifest. Stacks have dozens; the work of checking a manifest grows with them."""

PACKED_LIMIT = 16 << 20
"""Bytes of a published list that are read. The list of a large environment (60,000 files) has 4 MB."""
