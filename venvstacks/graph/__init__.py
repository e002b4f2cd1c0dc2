"""The task graph as pure data: steps, compiling, checking, selecting."""
