"""The only room that knows doit: tasks, state, checks, scheduling."""
