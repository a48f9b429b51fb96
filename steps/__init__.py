"""What each sentence of the features does, a module for each noun."""
