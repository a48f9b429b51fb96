"""A cluster that is looked after in plain language, by Google's kubectl-ai."""
