"""Model → program → outcome and events. Deterministic and sans-I/O: effects go out as data, signals come in as data."""
