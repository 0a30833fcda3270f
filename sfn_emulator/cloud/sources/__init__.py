"""Feeds from queues and streams to functions and state machines: event source mappings and pipes."""
