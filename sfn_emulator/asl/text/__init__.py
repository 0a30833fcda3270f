"""JSON and YAML text → values that know the line and column they stand at."""
