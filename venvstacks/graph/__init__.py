"""The task graph as pure data: compiled from a stack, checked, selected from, scheduled and drawn."""
