"""What each API operation does, one file a kind of resource."""
