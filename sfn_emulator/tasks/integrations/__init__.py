"""Who answers a Task: one file a family of Resource."""
