"""Which states, ways, Choice rules, Retriers and Catchers of a definition were taken, by whatever ran it."""
