"""Tickets of people who need help."""
