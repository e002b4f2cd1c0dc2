"""Layers below are importable however a layered environment's Python is started."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import findpython
import pytest

from tests.integration.linking.conftest import Layers, call
from venvstacks._injected import layer_chain
from venvstacks.linking.chain import Chain, LowerPackages
from venvstacks.linking.launch_command import launch_options

MINORS = [8, 9, 10, 11, 12, 13, 14]
SHOWN = "import sys, low, mid; print(low.SEEN, mid.SEEN, sys.count)"
SPAWNING = """\
import multiprocessing

def seen(_):
    import low
    return low.SEEN

if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.map(seen, [0]))
"""


def make_stack(folder: Path, home: Path, version: str) -> Path:
    """Three chained layers of handmade files on the Python in the folder `home`; returns the uppermost one."""
    minor = ".".join(version.split(".")[:2])
    site = f"lib/python{minor}/site-packages"
    files = {
        "low": {"low.py": "SEEN = 'low'\n", "low.pth": "import sys; sys.count = getattr(sys, 'count', 0) + 1\n"},
        "mid 🐸": {"mid.py": "SEEN = 'mid'\n", "mid.pth": "import low; low.SEEN += ' by mid'\n"},
        "app": {"app.py": "import low\nprint(low.SEEN)\n", "zz.pth": "import mid; mid.SEEN = 'mid by app'\n"},
    }
    lower: list[LowerPackages] = []
    for name, content in files.items():
        layer = folder / name
        (layer / site).mkdir(parents=True)
        (layer / "bin").mkdir()
        (layer / "bin/python").symlink_to(home / f"python{minor}")
        (layer / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\n", "utf-8")
        own = tuple(path for path in content if path.endswith(".pth"))
        chain = Chain(site, version, own, tuple(lower)).files(Path(layer_chain.__file__).read_text("utf-8"))
        for path, text in {**{f"{site}/{path}": text for path, text in content.items()}, **chain}.items():
            (layer / path).write_text(text, "utf-8")
        lower.insert(0, LowerPackages(f"../{name}/{site}", own))
    return folder / "app"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chain") / "with spaces"
    return make_stack(folder, Path(sys.base_prefix, "bin"), "{}.{}.{}".format(*sys.version_info[:3]))


@pytest.mark.parametrize("minor", MINORS)
def test_every_python_and_every_way_to_start_it(tmp_path: Path, minor: int) -> None:
    found = findpython.find(3, minor)
    if found is None:
        pytest.skip(f"needs Python 3.{minor}")
    home = Path(call([found.executable, "-I", "-c", "import sys; print(sys.base_prefix)"]).strip(), "bin")
    app = make_stack(tmp_path / "🐸 and 🦎", home, str(found.version))
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/sitecustomize.py").write_text("import sys; sys.count += 10\n", "utf-8")
    python = app / "bin/python"
    for options in ([], ["-I"], ["-E"], ["-s"], ["-B", "-X", "utf8"]):
        assert call([python, *options, "-c", SHOWN], LC_ALL="C.UTF-8") == "low by mid mid by app 1\n"
    assert call([python, "-c", SHOWN], LC_ALL="C") == "low by mid mid by app 1\n"
    assert call([python, "-c", SHOWN], PYTHONPATH=str(tmp_path / "agent")) == "low by mid mid by app 11\n"
    (tmp_path / "low.py").write_text("print('of the current folder')\n", "utf-8")
    assert call([python, *launch_options(str(found.version), "app")], cwd=tmp_path) == "low by mid\n"


def test_children_of_multiprocessing(app: Path, tmp_path: Path) -> None:
    (tmp_path / "spawning.py").write_text(SPAWNING, "utf-8")
    output = call([app / "bin/python", tmp_path / "spawning.py"], TMPDIR=str(tmp_path))
    assert output.splitlines() == ["spawn ['low by mid']", "forkserver ['low by mid']"]


def test_a_layer_that_is_reached_through_a_link(app: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(app)
    assert call([tmp_path / "link/bin/python", "-c", SHOWN]) == "low by mid mid by app 1\n"


def test_all_layers_behind_a_link_are_on_the_path_once(app: Path, tmp_path: Path) -> None:
    (tmp_path / "layers").symlink_to(app.parent)
    path = call([tmp_path / "layers/app/bin/python", "-c", "import sys; print(*sys.path, sep='\\n')"]).splitlines()
    assert len([folder for folder in path if folder.endswith("site-packages")]) == 3


def test_moved_layers_need_nothing_but_the_base_python(app: Path, tmp_path: Path) -> None:
    shutil.copytree(app.parent, tmp_path / "moved", symlinks=True)
    assert call([tmp_path / "moved/app/bin/python", "-c", SHOWN]) == "low by mid mid by app 1\n"


def test_without_the_layers_below_python_still_starts(app: Path, tmp_path: Path) -> None:
    shutil.copytree(app, tmp_path / "app", symlinks=True)
    done = subprocess.run([tmp_path / "app/bin/python", "-c", "print(1)"], capture_output=True, text=True, check=False)
    assert done.stdout == "1\n"


def test_a_layer_s_own_hook_is_kept(layers: Layers) -> None:
    """Any layer may have a `sitecustomize`; of several, the one of the uppermost layer runs."""
    layers.add("framework-pond", {"sitecustomize.py": b"import sys; sys.hook = 'of the framework'\n"})
    layers.link("framework-pond")
    layers.add("app", {})
    python = layers.link("app", "framework-pond")
    call([sys.executable, "-I", layers.folder / "app/postinstall.py", "--no-compile"])
    assert call([python, "-c", "import sys; print(sys.hook)"]) == "of the framework\n"
