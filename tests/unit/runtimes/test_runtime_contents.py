from __future__ import annotations

import pytest

from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.runtime_contents import is_wanted

CPYTHON = PythonImplementation("cpython", "3.11.7")
PYPY = PythonImplementation("pypy", "3.11.13")
LINUX = PLATFORMS["linux_x86_64"]
WINDOWS = PLATFORMS["win_amd64"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("bin", True),
        ("bin/python3.11", True),
        ("bin/python", True),
        ("bin/python3", True),
        ("bin/python3.11-config", False),
        ("bin/pip3", False),
        ("bin/python3.12", False),
        ("lib/python3.11/os.py", True),
        ("lib/python3.11/ensurepip/_bundled/pip.whl", True),
        ("lib/python3.11/site-packages", False),
        ("lib/python3.11/site-packages/pip/__init__.py", False),
        ("lib/python3.11/test", False),
        ("lib/python3.11/test/support/__init__.py", False),
        ("lib/python3.11/idlelib/idle_test/mock_tk.py", False),
        ("lib/python3.11/lib2to3/tests/test_all.py", False),
        ("lib/python3.11/unittest/case.py", True),
        ("lib/python3.11/pydoc_data/topics.py", True),
        ("lib/python3.11/lib-dynload/_testcapi.so", True),
        ("lib/python3.11/EXTERNALLY-MANAGED", False),
        ("lib/python3.11/sitecustomize.py", False),
        ("lib/python3.11/__pycache__", False),
        ("lib/python3.11/json/__pycache__/x.py", False),
        ("lib/python3.11/json/decoder.pyc", False),
        ("lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile", True),
        ("lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a", False),
        ("lib/libpython3.11.so.1.0", True),
        ("lib/tcl8.6/init.tcl", True),
        ("lib/site-packages/of-something-else", True),
        ("include/python3.11/Python.h", True),
        ("share/man/man1/python3.1", False),
        ("share/terminfo/x/xterm", True),
    ],
)
def test_what_belongs_into_a_runtime(path: str, *, wanted: bool) -> None:
    assert is_wanted(path, CPYTHON, LINUX) is wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("python.exe", True),
        ("python311.dll", True),
        ("DLLs/_ssl.pyd", True),
        ("Lib/os.py", True),
        ("Lib/test/test_os.py", False),
        ("lib/Test/test_os.py", False),
        ("Lib/site-packages/pip/__init__.py", False),
        ("Scripts", True),
        ("Scripts/pip.exe", False),
    ],
)
def test_what_belongs_into_a_runtime_on_windows(path: str, *, wanted: bool) -> None:
    assert is_wanted(path, CPYTHON, WINDOWS) is wanted


def test_pypy_keeps_the_library_that_its_interpreter_loads() -> None:
    assert is_wanted("bin/libpypy3.11-c.so", PYPY, LINUX)
    assert is_wanted("bin/pypy3.11", PYPY, LINUX)
    assert not is_wanted("bin/pypy3", PYPY, LINUX)
    assert not is_wanted("lib/pypy3.11/test/test_os.py", PYPY, LINUX)
