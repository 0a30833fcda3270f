"""Deploys the saga with boto3, the same way to the embedded target, LocalStack and AWS."""
