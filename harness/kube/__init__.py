"""What is known and done inside one cluster: API client, watches, waits, causes."""
