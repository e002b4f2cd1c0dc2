"""What goes into uv and what comes out of it, as pure functions: texts, per-target results, layer locks."""
