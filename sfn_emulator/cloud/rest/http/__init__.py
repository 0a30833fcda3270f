"""HTTP APIs (API Gateway v2): what answers plain HTTP calls on behalf of a function or a machine."""
