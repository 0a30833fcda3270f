"""Pictures of definitions and of executions. Pure: text and events go in, nouns and drawings come out."""
