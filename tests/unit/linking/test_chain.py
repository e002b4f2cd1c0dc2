"""The texts of the files that chain a layer to those below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from venvstacks._injected import layer_chain
from venvstacks.linking.chain import Chain, LowerPackages, own_pth_files

SITE = "lib/python3.11/site-packages"
CODE = Path(layer_chain.__file__).read_text("utf-8")


def below(name: str, *pth_files: str, dll_folders: tuple[str, ...] = ()) -> LowerPackages:
    return LowerPackages(f"../{name}/{SITE}", pth_files, dll_folders)


def files_of(*lower: LowerPackages, **values: Any) -> dict[str, str]:
    defaults: dict[str, Any] = {"site_dir": SITE, "py_version": "3.11.7", "pth_files": ()}
    return Chain(**(defaults | values), below=lower).files(CODE)


def values_of(text: str) -> dict[str, Any]:
    """What the module holds once it was imported; importing it changes nothing."""
    namespace: dict[str, Any] = {"__name__": "x", "__file__": "x"}
    exec(text, namespace)
    return namespace


def test_the_folders_are_relative_and_come_nearest_first() -> None:
    files = files_of(below("framework-pond@3"), below("py"))
    assert sorted(files) == [f"{SITE}/+venvstacks.pth", f"{SITE}/_venvstacks_layers.py"]
    assert files[f"{SITE}/+venvstacks.pth"].splitlines()[1:] == [
        "../../../../framework-pond@3/lib/python3.11/site-packages",
        "../../../../py/lib/python3.11/site-packages",
        "import _venvstacks_layers; _venvstacks_layers.start()",
    ]
    assert "".join(files.values()).isascii()


def test_pth_files_run_from_the_lowest_layer_up_and_one_name_once() -> None:
    lower = (below("a", "y.pth", "x.pth"), below("b", "x.pth", "z.pth"), below("py", "own.pth", "r.pth"))
    module = files_of(*lower, pth_files=("own.pth",))[f"{SITE}/_venvstacks_layers.py"]
    assert values_of(module)["PTH_FILES"] == ((2, "r.pth"), (1, "z.pth"), (0, "x.pth"), (0, "y.pth"))


def test_a_name_that_is_not_ascii_is_left_to_the_module() -> None:
    """Such files are read in the encoding of the locale by older Pythons."""
    files = files_of(below("framework-🐸"), below("py"))
    assert files[f"{SITE}/+venvstacks.pth"].isascii()
    assert "../../../../py" not in files[f"{SITE}/+venvstacks.pth"]
    module = files[f"{SITE}/_venvstacks_layers.py"]
    assert module.isascii()
    assert values_of(module)["BELOW"][0] == f"../../../../framework-🐸/{SITE}"


def test_from_python_3_15_on_a_start_file_does_what_the_import_line_does() -> None:
    files = files_of(below("py"), py_version="3.15.0")
    assert files[f"{SITE}/+venvstacks.start"] == "_venvstacks_layers:start\n"


def test_the_wrapper_and_folders_of_dlls() -> None:
    lower = below("cuda", dll_folders=("../cuda/Library/bin",))
    values = values_of(files_of(lower, wrapper="bin/python")[f"{SITE}/_venvstacks_layers.py"])
    assert values["WRAPPER"] == "../../../bin/python"
    assert values["DLL_FOLDERS"] == ("../../../../cuda/Library/bin",)


def test_only_pth_files_that_site_reads_count() -> None:
    paths = [f"{SITE}/{name}" for name in ("b.pth", "a.pth", ".c.pth", "x/d.pth", "+venvstacks.pth", "e.py")]
    assert own_pth_files([*paths, "other/f.pth"], SITE) == ("a.pth", "b.pth")
