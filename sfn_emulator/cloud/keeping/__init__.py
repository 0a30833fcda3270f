"""How the neighbours outlive the process: a journal of writes, and snapshots of what they led to."""
