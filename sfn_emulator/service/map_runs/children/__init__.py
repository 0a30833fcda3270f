"""The children of a Map Run: their names, records, runs and outcomes."""
