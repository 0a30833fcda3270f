"""Source text's JSON → the model, field by field; every problem is collected with its place."""
