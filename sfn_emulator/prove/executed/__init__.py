"""The executed half of a proof: every placement of faults on the real handlers."""
