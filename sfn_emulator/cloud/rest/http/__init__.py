"""HTTP APIs (API Gateway v2): plain HTTP calls, answered by a function or a state machine."""
