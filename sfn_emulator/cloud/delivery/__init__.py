"""Deliveries: parcels kept until they are done, how far feeds have read, and sending by ARN."""
