"""API Gateway's data plane: which method a request meets, its mapping templates and its integration."""
