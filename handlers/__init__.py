"""The saga's participants: plain Lambda handlers."""
