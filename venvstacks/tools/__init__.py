"""The shell's tools: processes, files, uv. Nothing here knows what a layer is."""
