"""The API's operations without HTTP: records, rules and limits. The same for the wire, pytest and the CLI."""
