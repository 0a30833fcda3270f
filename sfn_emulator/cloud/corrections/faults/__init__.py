"""What is wrong with a request that moto could not answer, in the words of the service that it was for."""
