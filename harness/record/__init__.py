"""The one record of a run: Cucumber Messages, written as it goes, read whatever became of it."""
