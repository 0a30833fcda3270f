"""The port: connections, which service a request is for, what a server can be told, and what puts it all together."""
