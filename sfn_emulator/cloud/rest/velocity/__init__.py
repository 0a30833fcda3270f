"""Velocity 1.7, the language of API Gateway's mapping templates (Apache Velocity User Guide, VTL Reference)."""
