"""An execution's course, read from its history."""
