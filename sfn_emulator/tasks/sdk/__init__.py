"""What Step Functions shows of the Java SDK it calls AWS by: names, shapes, errors and metadata."""
