"""API Gateway's data plane: finds the method of a request, and runs its mapping templates and its integration."""
