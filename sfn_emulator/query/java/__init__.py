"""What shows through where AWS runs Java: its texts, its random numbers, its sets, its JSON parser."""
