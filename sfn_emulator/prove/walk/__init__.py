"""The static half of a proof: every outcome of every Task, walked without any handler."""
