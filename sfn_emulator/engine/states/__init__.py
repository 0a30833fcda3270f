"""The behaviour of each type of state, and the data flow and recovery they share."""
