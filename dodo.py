"""doit's front door to this repository: `doit` runs the sample's pipeline, `doit list` shows what else there is."""

from tasks.dev import task_bench, task_docs, task_lint, task_pins, task_schema, task_test, task_types
from tasks.stack import DOIT_CONFIG, task_places, task_stack

__all__ = [
    "DOIT_CONFIG",
    "task_bench",
    "task_docs",
    "task_lint",
    "task_pins",
    "task_places",
    "task_schema",
    "task_stack",
    "task_test",
    "task_types",
]
