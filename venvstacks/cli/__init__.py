"""The `venvstacks` command: options, commands, reporting, and the one place where errors become exit codes."""
