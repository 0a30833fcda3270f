"""What a Distributed Map reads and writes in S3."""
