"""APIs of both kinds, and the user pools that they ask."""
