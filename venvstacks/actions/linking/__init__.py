"""Linking one environment to the layers below it."""
