"""Types of resources: the properties of each, and the calls that make, change and remove it."""
