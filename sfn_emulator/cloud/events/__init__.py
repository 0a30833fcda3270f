"""EventBridge: which rules an event matches, and what carries it to their targets."""
