"""API Gateway, where moto answers otherwise: definitions imported into REST APIs and HTTP APIs."""
