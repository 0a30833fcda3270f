"""The items that a Distributed Map reads from S3, and the results it writes there."""
