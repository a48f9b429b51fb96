"""The page that a run is read on, made of its record alone."""
