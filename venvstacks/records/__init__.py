"""What is written down about results: manifests, task records, and why a task is stale."""
