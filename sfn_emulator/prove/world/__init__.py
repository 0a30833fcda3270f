"""The executed half of a proof: real handlers, real tables, a world for each placement, virtual time."""
