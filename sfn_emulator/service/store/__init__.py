"""Records and the SQLite file that keeps them; one commit holds the writes of one tick."""
