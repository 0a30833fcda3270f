"""The linter: checks definitions in files, on standard input and inside templates as create does."""
