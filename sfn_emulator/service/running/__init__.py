"""Executions that are under way: their runs, signals, histories and the deliveries to whoever waits."""
