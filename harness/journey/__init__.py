"""What somebody does with the application, as requests: described, or found in its OpenAPI."""
