"""Building images, and finding out what is in them and whether they run."""
