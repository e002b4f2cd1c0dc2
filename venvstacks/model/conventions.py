"""Words and names that are the same for every stack, for rooms that need no more of the model than these."""

from __future__ import annotations

from typing import Literal

LayerKind = Literal["runtime", "framework", "application"]

LAYER_CONFIG = "share/venv/metadata/venvstacks_layer.json"
DYNLIB_DIR = "share/venv/dynlib"
METADATA_DIR = "__venvstacks__"
