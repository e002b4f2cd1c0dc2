from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from venvstacks.records.task_store import TaskStore

WRITER = """
import sys
from pathlib import Path
from venvstacks.records.task_store import TaskStore
with TaskStore(Path(sys.argv[1])) as store:
    for number in range(25):
        store.put(f"{sys.argv[2]}:{number}", {"deps:": [], "n": number})
"""


def test_no_row_of_any_process_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with TaskStore(path, writable=False) as store:
        assert len(store.names()) == 75
