"""AWS's response modules for custom resources, as text that goes into a bundle."""
