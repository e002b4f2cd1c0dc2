"""What linking writes, worked out without touching a disk: library links, interpreter wrappers, layer descriptions."""
