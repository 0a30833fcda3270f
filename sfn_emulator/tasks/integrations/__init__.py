"""The runners of Tasks: one file for each family of Resource."""
