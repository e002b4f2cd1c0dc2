"""The client of the library is loaded without its own downloads; other parts of the process can still have these."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys
from venvstacks.trust.tuf_library import load_tuf_client
load_tuf_client()
assert "urllib3" not in sys.modules
from tuf.ngclient import Urllib3Fetcher
assert Urllib3Fetcher(socket_timeout=3).socket_timeout == 3
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher as genuine
assert type(Urllib3Fetcher()) is genuine
"""


def test_urllib3_is_loaded_by_who_needs_it() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
