"""Files that are copied verbatim into what is shipped; they run without this package, on any machine."""
