"""What the application would do."""
