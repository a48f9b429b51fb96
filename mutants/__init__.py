"""Proof that the suite sees: single defects, and which scenario notices each."""
