"""The parts of the command line: the server in the background, an execution's steps, the tables."""
