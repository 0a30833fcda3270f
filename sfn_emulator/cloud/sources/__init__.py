"""What feeds functions and state machines from queues and streams: event source mappings and pipes."""
