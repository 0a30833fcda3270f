"""Our workloads, measured. ``python -m benchmarks [NAME...]`` prints one table."""
