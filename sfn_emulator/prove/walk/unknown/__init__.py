"""Data that a walk does not know: what is read of it, how expressions and Choices treat it, and which of it matters."""
