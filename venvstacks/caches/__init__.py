"""What caches on this machine hold: the program's own cache, and folders of shared results."""
