"""TestState: tries one state alone, and shows the stages of its data."""
