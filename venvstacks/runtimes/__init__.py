"""Where Pythons come from: a protocol and a table of providers."""
