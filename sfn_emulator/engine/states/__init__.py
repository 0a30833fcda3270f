"""What each type of state does when a strand comes to it, and the data flow and recovery they share."""
