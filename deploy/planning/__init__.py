"""Wanted and existing → a Plan: the calls that make, change or remove, each with its reason."""
