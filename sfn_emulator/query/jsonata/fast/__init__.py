"""The expressions people write most, compiled to Python closures; the rest is left to the library."""
