"""The port: connections, the gateway to the services, the server's own routes, and the composition root."""
