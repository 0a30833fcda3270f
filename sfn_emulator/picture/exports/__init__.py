"""A graph in other people's languages."""
