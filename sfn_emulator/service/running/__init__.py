"""Executions that are under way: their runs, signals, histories, and deliveries to others."""
