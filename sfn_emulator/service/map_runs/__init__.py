"""Distributed Maps: their items, children, counts and results, from the first item to a redrive."""
