"""doit's front door to this repository: `doit list` shows what there is, `doit` runs the sample stack's pipeline."""

from tasks.dev import task_docs, task_lint, task_schema, task_test, task_types
from tasks.stack import DOIT_CONFIG, task_applications, task_stack

__all__ = [
    "DOIT_CONFIG",
    "task_applications",
    "task_docs",
    "task_lint",
    "task_schema",
    "task_stack",
    "task_test",
    "task_types",
]
