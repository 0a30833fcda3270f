"""What a saga did, read and told: its steps, its writes, and the tables before and after."""
