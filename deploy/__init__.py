"""The saga onto any target: wanted resources → plan → apply. boto3 and an endpoint, nothing else."""
