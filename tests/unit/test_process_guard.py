import os
import subprocess
import sys

import pytest

from venvstacks.tools.process import Processes


def test_starting_a_process_in_a_unit_test_fails() -> None:
    with pytest.raises(AssertionError, match="a unit test started a process"):
        Processes().run([sys.executable, "--version"], env={})
    with pytest.raises(AssertionError, match="a unit test started a process"):
        subprocess.run([sys.executable, "--version"], check=False)
    with pytest.raises(AssertionError, match="a unit test started a process"):
        os.system("true")
