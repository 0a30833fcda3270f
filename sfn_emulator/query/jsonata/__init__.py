"""JSONata text → compiled expression → value, with AWS's additions and AWS's words for what fails."""
