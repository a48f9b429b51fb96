"""What runs came to, one after the other: sizes, times, scenarios and requirements."""
