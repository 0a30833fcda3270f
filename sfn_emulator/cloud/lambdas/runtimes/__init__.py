"""Functions in other languages than Python: which program runs them, and the Runtime API they speak to us by."""
