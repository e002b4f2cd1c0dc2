"""Pure functions for locking: the texts that uv reads, the results that it writes, and the locks made from them."""
