"""What an execution did, read from its history."""
