"""The embedded server in the background: started, found, stopped, described."""
