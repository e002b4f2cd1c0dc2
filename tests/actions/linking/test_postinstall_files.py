"""What post-install writes where, and what it refuses, on real files and without running anything."""

from __future__ import annotations

import ast
import json
import ntpath
import os
import posixpath
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.capabilities import needs_name, needs_symbolic_links
from venvstacks._injected import postinstall
from venvstacks._injected.postinstall import PostInstallError, load_layer_config, write_generated_files
from venvstacks.linking.layer_config import LayerPaths, layered_config, runtime_config
from venvstacks.model.conventions import LAYER_CONFIG

SITE = "lib/python3.11/site-packages"
RUNTIME = LayerPaths("cpython-3.11", "bin/python", SITE)
POND = LayerPaths("framework-pond", "bin/python", SITE)
APP = LayerPaths("app-hop", "bin/python", SITE)
LAYERED = layered_config(APP, "3.11.7", frameworks=[POND], runtime=RUNTIME, launch_module="hop")


def put(layer: Path, text: str) -> Path:
    (layer / SITE).mkdir(parents=True, exist_ok=True)
    (layer / LAYER_CONFIG).parent.mkdir(parents=True, exist_ok=True)
    (layer / LAYER_CONFIG).write_text(text, encoding="utf-8")
    return layer


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return put(tmp_path / "🐸 and 🦎" / "app-hop", LAYERED.text)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_knows_the_same_place_as_the_rest_of_the_program() -> None:
    assert postinstall.LAYER_CONFIG == LAYER_CONFIG


def test_any_python_from_3_8_on_can_read_it_and_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(Path(str(postinstall.__file__)).read_bytes(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "json" in imported
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_a_layered_environment_gets_both_files_with_absolute_paths(app: Path) -> None:
    written = write_generated_files(app)
    assert written == [app / "pyvenv.cfg", app / SITE / "sitecustomize.py"]
    base = app.parent / "cpython-3.11/bin"
    assert (app / "pyvenv.cfg").read_text("utf-8") == (
        f"home = {base}\ninclude-system-site-packages = false\nversion = 3.11.7\nexecutable = {base / 'python'}\n"
    )
    code = (app / SITE / "sitecustomize.py").read_bytes()
    assert code.isascii()
    folders = [
        ast.literal_eval(line.split("(")[1].split(",")[0])
        for line in code.decode().splitlines()
        if "addsitedir(" in line
    ]
    assert folders == [str(app.parent / "framework-pond" / SITE), str(app.parent / "cpython-3.11" / SITE)]


def test_a_runtime_gets_neither(tmp_path: Path) -> None:
    layer = put(tmp_path / "cpython-3.11", runtime_config(RUNTIME, "3.11.7").text)
    before = contents(layer)
    assert write_generated_files(layer) == []
    assert contents(layer) == before


def test_the_second_time_nothing_is_written(app: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in app.rglob("*")}

    write_generated_files(app)
    before = state()
    assert write_generated_files(app) == []
    assert state() == before


def test_the_files_of_a_moved_layer_are_rewritten_and_old_bytecode_dropped(app: Path) -> None:
    """Same length, same second: Python would go on using the bytecode with the old paths."""
    write_generated_files(app)
    cache = app / SITE / "__pycache__"
    cache.mkdir()
    for name in ("sitecustomize.cpython-311.pyc", "sitecustomize.cpython-311.opt-1.pyc", "frog.cpython-311.pyc"):
        (cache / name).write_bytes(b"old")
    there = app.parent.rename(app.parent.with_name("🦎 and 🐸"))
    assert len(write_generated_files(there / "app-hop")) == 2
    left = [path.name for path in (there / "app-hop" / SITE / "__pycache__").iterdir()]
    assert left == ["frog.cpython-311.pyc"]


@needs_symbolic_links
def test_called_through_links_the_real_neighbours_count(app: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(app)
    (tmp_path / "other").mkdir()
    write_generated_files(app)
    assert write_generated_files(tmp_path / "link") == []
    assert write_generated_files(tmp_path / "other" / ".." / "link") == []


@needs_symbolic_links
def test_a_link_above_the_layers_stays(app: Path, tmp_path: Path) -> None:
    """Who deploys behind a link named `current` wants to see that in the files."""
    (tmp_path / "current").symlink_to(app.parent)
    write_generated_files(tmp_path / "current/app-hop")
    assert f"home = {tmp_path}/current/cpython-3.11/bin\n" in (app / "pyvenv.cfg").read_text("utf-8")


def edited(**changes: Any) -> str:
    return json.dumps({**json.loads(LAYERED.text), **changes})


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../",
        ".",
        "",
        "../..",
        "../../x",
        "../framework/../../x",
        "a/../../../x",
        "/usr/lib",
        "//server/share",
        "C:/Windows",
        "C:x",
        "..\\..\\x",
        "..\\x",
        "../x\\..\\..\\y",
        "../x\0y",
        "../x\ny",
        "../x\ud800",
    ],
)
@pytest.mark.parametrize("key", ["python", "base_python", "site_dir", "pylib_dirs", "dynlib_dirs"])
def test_paths_that_leave_the_folder_of_the_layers_are_refused(app: Path, key: str, path: str) -> None:
    put(app, edited(**{key: path if key.endswith(("python", "site_dir")) else [f"../cpython-3.11/{SITE}", path]}))
    before = contents(app.parent)
    with pytest.raises(PostInstallError, match=f"'{key}' leaves"):
        write_generated_files(app)
    assert contents(app.parent) == before


@pytest.mark.parametrize("key", ["python", "site_dir"])
def test_a_layer_s_own_paths_do_not_reach_its_neighbours(app: Path, key: str) -> None:
    put(app, edited(**{key: "../framework-pond/x"}))
    with pytest.raises(PostInstallError, match=f"'{key}' leaves the layer's folder"):
        write_generated_files(app)


@pytest.mark.parametrize("path", ["../x/y", "../x", "../x/./y/../z", "x/y", "./x", "../...", "../x y/🐸"])
def test_paths_within_the_folder_of_the_layers_are_fine(app: Path, path: str) -> None:
    put(app, edited(pylib_dirs=[path]))
    assert load_layer_config(app)["pylib_dirs"] == [path]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("\udcff", "is not valid JSON"),
        ("[]", "does not hold a JSON object"),
        ("{}", "'python' is missing"),
        (edited(site_dir=7), "'site_dir' is missing or not a string"),
        (edited(pylib_dirs="../x"), "'pylib_dirs' is missing or not a list"),
        (edited(dynlib_dirs=[7]), "'dynlib_dirs' is missing or not a list"),
        (edited(dynlib_dirs=None), "'dynlib_dirs' is missing or not a list"),
        (edited(py_version="3.11\nhome = /x"), "'py_version' is not a version"),
    ],
)
def test_a_bad_description_is_refused_in_one_line(app: Path, text: str, complaint: str) -> None:
    (app / LAYER_CONFIG).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(PostInstallError, match=complaint) as caught:
        write_generated_files(app)
    assert "\n" not in str(caught.value)
    assert not (app / "pyvenv.cfg").exists()


def test_a_missing_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(PostInstallError, match=r"cannot read .*venvstacks_layer\.json: No such file"):
        load_layer_config(tmp_path)


def test_keys_of_later_versions_are_let_be(app: Path) -> None:
    put(app, edited(novelty={"a": 1}))
    assert load_layer_config(app)["novelty"] == {"a": 1}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        pytest.param("new\nline", "line break", marks=needs_name("new\nline")),
        pytest.param("caf\udce9", "not UTF-8", marks=needs_name("caf\udce9")),
    ],
)
def test_folders_that_pyvenv_cfg_cannot_name_are_refused(tmp_path: Path, name: str, complaint: str) -> None:
    layer = put(tmp_path / name / "app-hop", LAYERED.text)
    with pytest.raises(PostInstallError, match=complaint) as caught:
        write_generated_files(layer)
    assert "\n" not in str(caught.value)
    assert not (layer / "pyvenv.cfg").exists()


@pytest.mark.skipif(os.name != "posix", reason="about the separators of POSIX systems")
@pytest.mark.parametrize("name", ["a:b", "a;b"])
def test_folders_that_the_dynamic_linker_would_cut_are_refused_where_libraries_matter(
    tmp_path: Path, name: str
) -> None:
    layer = put(tmp_path / name / "app-hop", LAYERED.text)
    with pytest.raises(PostInstallError, match="shared libraries cannot be found"):
        write_generated_files(layer)
    put(layer, edited(dynlib_dirs=[]))
    assert len(write_generated_files(layer)) == 2


def test_a_failing_write_leaves_nothing_behind(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(PostInstallError, match=r"cannot write .*pyvenv\.cfg: No space left"):
        write_generated_files(app)
    assert {path.name for path in app.iterdir()} == {"lib", "share"}


def test_texts_for_windows_are_computed_anywhere() -> None:
    config = {
        "base_python": "../cpython-3.11/python.exe",
        "py_version": "3.11.7",
        "pylib_dirs": ["../framework-pond/Lib/site-packages"],
    }
    layer = "D:\\My Layers\\app-hop"
    assert postinstall.pyvenv_cfg_text(config, layer, ntpath).splitlines() == [
        "home = D:\\My Layers\\cpython-3.11",
        "include-system-site-packages = false",
        "version = 3.11.7",
        "executable = D:\\My Layers\\cpython-3.11\\python.exe",
    ]
    text = postinstall.sitecustomize_text(config, layer, ntpath)
    assert r"addsitedir('D:\\My Layers\\framework-pond\\Lib\\site-packages', _known)" in text
    compile(text, "sitecustomize.py", "exec")


@pytest.mark.parametrize("layer", ["/it's/app", '/"/app', "/back\\slash/app", "/🐸/app", "/{}/app"])
def test_any_folder_makes_valid_code(layer: str) -> None:
    config: Mapping[str, Any] = {"pylib_dirs": ["../x"]}
    text = postinstall.sitecustomize_text(dict(config), layer, posixpath)
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    assert [node.value for node in calls] == [posixpath.join(posixpath.dirname(layer), "x")]
