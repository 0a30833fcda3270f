"""The linter: definitions in files, on standard input and inside templates; what create would say of them."""
