"""`python -m venvstacks`: the same as the `venvstacks` command."""

from venvstacks.cli import main

if __name__ == "__main__":
    main()
