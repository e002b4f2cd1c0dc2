"""The stack as values: specification, layers, platforms, paths."""
