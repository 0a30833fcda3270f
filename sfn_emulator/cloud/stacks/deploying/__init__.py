"""Deploys a stack: resources are made, changed and removed in order, and rolled back."""
