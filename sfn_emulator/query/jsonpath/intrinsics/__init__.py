"""Intrinsic functions: the grammar of their calls, and a row for each function."""
