"""State machines as they are kept: definitions, programs, revisions and configurations."""
