"""The module that held the API of venvstacks 0.x; importing it raises an error that names the new place."""

raise ImportError(
    "venvstacks.stacks is gone: load a stack with venvstacks.load_project and run it with venvstacks.run "
    "(docs/migrating.md has the names)"
)
