"""Things that start at a time: EventBridge rules with a schedule, and EventBridge Scheduler."""
