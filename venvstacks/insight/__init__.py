"""What layers hold, as values: packages, files, sizes, needs and differences; `reading` reads it."""
