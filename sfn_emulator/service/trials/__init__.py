"""TestState: one state tried alone, with the stages its data goes through."""
