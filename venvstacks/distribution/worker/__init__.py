"""A worker: a process that does tasks for runs on other machines."""
