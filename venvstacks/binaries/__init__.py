"""Compiled files of a layer judged by what their headers state, without starting anything."""
