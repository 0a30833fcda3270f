"""JSONata text → compiled expression → value, with AWS's additions and AWS's error messages."""
