"""What a run tells the system that started it: annotations, sections, a summary, a comparison."""
