"""Makes the neighbours outlive the process: a journal of writes, and snapshots of the state they led to."""
