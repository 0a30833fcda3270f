"""What exists on a target: reads that change nothing."""
