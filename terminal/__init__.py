"""What the command line shows and keeps: the server in the background, an execution's steps, the tables."""
