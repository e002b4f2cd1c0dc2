"""Reading a specification and everything around it from disk, and compiling it."""
