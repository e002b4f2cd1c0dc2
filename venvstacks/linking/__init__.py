"""The pure part of linking: library links, interpreter wrappers and layer descriptions as values."""
