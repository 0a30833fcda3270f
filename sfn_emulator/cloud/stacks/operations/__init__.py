"""What each operation of CloudFormation's API does, without its wire."""
