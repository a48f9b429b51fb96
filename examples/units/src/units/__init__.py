"""Converts units of measurement, by HTTP."""
