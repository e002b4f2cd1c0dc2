"""What tasks do: one module per kind of task, each a function from a request to a result."""
