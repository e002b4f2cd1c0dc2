"""Building one environment from its lock, and checking what was built."""
