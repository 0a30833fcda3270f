"""Executions recorded as data, and run again on another definition, to see where they would now go another way."""
