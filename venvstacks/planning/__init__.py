"""From a request to the tasks that a run would do, why, how long that takes, and what happened the last time."""
