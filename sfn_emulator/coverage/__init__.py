"""Coverage: which states, ways, Choice rules, Retriers and Catchers of a definition were taken by executions."""
