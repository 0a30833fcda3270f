"""What is wanted: the saga's resources as nouns, with their code, definition and policies."""
