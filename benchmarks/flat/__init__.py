"""Layered against flat: the same locked packages in one environment and over layers, compared from inside."""
