"""One file a service: its types as rows."""
