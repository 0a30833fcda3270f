"""The parts of the command line: orders and their runs, the server in the background, the report of a saga."""
