"""A stack's change under way: what is made, changed and removed, in which order, and back."""
