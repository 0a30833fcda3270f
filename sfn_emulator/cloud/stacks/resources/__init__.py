"""Types of resources: what each may hold, and the calls that make, change and remove it."""
