"""The page under /_sfn/: every execution as a picture. It knows the service through a small JSON interface."""
