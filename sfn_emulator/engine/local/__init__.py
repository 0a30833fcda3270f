"""The engine without a service: executions in process and in virtual time."""
