"""What each API operation does, without HTTP: records, rules and limits. The same for the wire, pytest and the CLI."""
