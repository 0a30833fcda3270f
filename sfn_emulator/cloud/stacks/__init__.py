"""CloudFormation: a template's resources, made, changed and removed by calls on this port's own APIs."""
