"""Figures: how long things take and how much memory they need. Nothing here is a test."""
