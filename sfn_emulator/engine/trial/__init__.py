"""States on trial (TestState): one attempt, stage by stage."""
