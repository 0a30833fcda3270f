"""AWS JSON 1.0 on the wire, checked and serialised by botocore's own service model."""
