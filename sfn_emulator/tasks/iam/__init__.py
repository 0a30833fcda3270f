"""Whether a role may: policies, what a Task needs, and who is asked when."""
