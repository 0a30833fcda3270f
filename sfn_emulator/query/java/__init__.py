"""Java's behaviour where AWS's answers show it: its texts, its random numbers, its sets, its JSON parser."""
