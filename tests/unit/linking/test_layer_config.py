"""The exact text of a layer's description, from the paths of the layers around it."""

from __future__ import annotations

import json

from venvstacks.linking.layer_config import LayerPaths, layered_config, runtime_config

SITE = "lib/python3.11/site-packages"
RUNTIME = LayerPaths("cpython-3.11", "bin/python", SITE)
POND = LayerPaths("framework-pond", "bin/python", SITE)
LAKE = LayerPaths("framework-lake@2", "bin/python", SITE)
APP = LayerPaths("app-🐸@3", "bin/python", SITE)


def test_a_runtime_has_nothing_below_it() -> None:
    assert runtime_config(RUNTIME, "3.11.7").text == (
        "{\n"
        '  "base_python": "bin/python",\n'
        '  "dynlib_dirs": [],\n'
        '  "py_version": "3.11.7",\n'
        '  "pylib_dirs": [],\n'
        '  "python": "bin/python",\n'
        f'  "site_dir": "{SITE}"\n'
        "}\n"
    )


def test_an_application_reaches_the_layers_below_in_import_order_under_their_deployed_names() -> None:
    config = layered_config(APP, "3.11.7", frameworks=[LAKE, POND], runtime=RUNTIME, launch_module="hop")
    assert json.loads(config.text) == {
        "base_python": "../cpython-3.11/bin/python",
        "dynlib_dirs": [
            "../framework-lake@2/share/venv/dynlib",
            "../framework-pond/share/venv/dynlib",
            "../cpython-3.11/share/venv/dynlib",
        ],
        "launch_module": "hop",
        "py_version": "3.11.7",
        "pylib_dirs": [f"../framework-lake@2/{SITE}", f"../framework-pond/{SITE}", f"../cpython-3.11/{SITE}"],
        "python": "bin/python",
        "site_dir": SITE,
    }
    keys = [line.split('"')[1] for line in config.text.splitlines() if line.startswith('  "')]
    assert keys == sorted(keys)


def test_the_text_is_ascii_for_readers_that_guess_encodings() -> None:
    frog = LayerPaths("framework-🐸", "bin/python", SITE)
    text = layered_config(APP, "3.11.7", frameworks=[frog], runtime=RUNTIME).text
    assert text.isascii()
    assert f"../framework-🐸/{SITE}" in json.loads(text)["pylib_dirs"]


def test_windows_layouts_are_arithmetic_too() -> None:
    runtime = LayerPaths("cpython-3.11", "python.exe", "Lib/site-packages", "Library/bin")
    app = LayerPaths("app-hop", "Scripts/python.exe", "Lib/site-packages")
    config = layered_config(app, "3.11.7", runtime=runtime, launch_module="hop")
    assert config.base_python == "../cpython-3.11/python.exe"
    assert config.pylib_dirs == ("../cpython-3.11/Lib/site-packages",)
    assert config.dynlib_dirs == ("../cpython-3.11/Library/bin",)
    assert runtime_config(runtime, "3.11.7").python == "python.exe"
