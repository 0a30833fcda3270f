"""A request to a neighbour: what it is, whom it is for, whether it is let in, and how it gets there."""
