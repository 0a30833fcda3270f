"""IAM: policies, the permissions that a Task needs, and the checks before calls."""
