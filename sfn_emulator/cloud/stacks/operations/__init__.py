"""The operations of CloudFormation's API, without the wire format."""
