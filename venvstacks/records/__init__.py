"""Records of results: manifests, task records, and the reasons for which a task is stale."""
