"""Pictures of definitions and of what executions did. Pure: text and events in, nouns and drawings out."""
