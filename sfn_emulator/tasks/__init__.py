"""Implementations of the engine's Tasks port, one file per family of Resource."""
