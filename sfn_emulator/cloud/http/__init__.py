"""What answers plain HTTP calls on behalf of a function or a machine: HTTP APIs (version 2) and function URLs."""
