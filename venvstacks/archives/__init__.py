"""Archives and exports: ordered lists of members, writers and readers of each format, and comparisons."""
