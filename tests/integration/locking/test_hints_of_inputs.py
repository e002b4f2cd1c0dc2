"""Hints about other projects' files, variables, options and the specification: each is followed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.support.followed_hints import LINUX, WINDOWS, HintRow, HintRows, Site, follow, indexes, raising
from tests.support.handmade_wheels import make_wheel
from tests.support.own_projects import write_project
from tests.support.specifications import runtime

hint = HintRows()


# What other files and the environment say

PROJECT = '[project]\nname = "app"\nversion = "1"\ndependencies = ["frog"]\n[tool.uv.sources]\nfrog = {}\n'
FROM_PROJECT = [{"pyproject": "pyproject.toml"}]


def project_of(site: Site, source: str) -> None:
    (site.base / "pyproject.toml").write_text(PROJECT.replace("{}", source))
    index = site.index(site.house)
    site.py(head=indexes(index), requirements_from=FROM_PROJECT)


@hint(
    "name its source in [tool.uv.sources] of the specification, or build its wheel and lock with --local-wheels DIR, "
    "or assign it to an index with package_indexes"
)
def a_project_that_takes_it_from_git(site: Site) -> Iterator[str | None]:
    project_of(site, '{ git = "https://host.invalid/frog" }')
    yield None
    before = site.stack.path.read_text()
    write_project(site.base / "ours", "frog")
    site.write('[tool.uv.sources]\nfrog = { path = "ours" }\n' + before)
    site.lock()
    site.write(before)
    yield None
    site.options["local_wheels"] = (str(site.house),)
    site.lock()
    site.options["local_wheels"] = ()
    site.write(before + 'package_indexes = { frog = "corp" }\n')


@hint(" in [tool.uv.sources] of the specification, ", "or build its wheel and lock with --local-wheels DIR")
def a_project_that_takes_it_from_a_folder(site: Site) -> Iterator[str | None]:
    project_of(site, '{ path = "ours" }')
    write_project(site.base / "ours", "frog")
    yield 'write frog = { path = "ours" } in [tool.uv.sources]'
    before = site.stack.path.read_text()
    site.write('[tool.uv.sources]\nfrog = { path = "ours" }\n' + before)
    site.lock()
    site.write(before)
    yield None
    site.options["local_wheels"] = (str(site.house),)


@hint("write index = [{ ", ", explicit = true }] and ", ", explicit = true }] in [tool.uv] of the specification, and ")
def a_project_that_takes_it_from_an_index(site: Site) -> Iterator[str | None]:
    public = site.index(site.house)
    house = site.index(site.house)
    for marker in ("", ", marker = \"sys_platform == 'linux'\""):
        text = PROJECT.replace("{}", f'{{ index = "house"{marker} }}')
        (site.base / "pyproject.toml").write_text(
            f'{text}[tool.uv]\nindex = [{{ name = "house", url = "{house.url}" }}]\n'
        )
        site.py(head=indexes(public), requirements_from=FROM_PROJECT)
        said = yield "write index = [{ "
        assert said
        entry = re.search(r"index = \[(.*?)\]", said)
        assert entry
        head = indexes(public).replace("]\n[", "]\n[").replace(" }]", f" }}, {entry[1]}]")
        if marker:
            head += re.search(r"sources = \{.*\}(?= in \[tool)", said)[0] + "\n"  # type: ignore[index]
            site.py(head=head, requirements_from=FROM_PROJECT)
        else:
            line = re.search(r"package_indexes = \{.*?\}", said)
            assert line
            site.py(head=head, requirements_from=FROM_PROJECT)
            site.stack.path.write_text(site.stack.path.read_text() + line[0] + "\n")
        site.lock()


@hint("assign the package to the index that the lock names: package_indexes = { ... }")
def a_lock_with_another_file(site: Site) -> Iterator[str | None]:
    public = site.index(site.house)
    make_wheel(site.base / "own", "frog", "1.0", requires=["newt"])
    own = site.index(site.base / "own")
    url = f"{own.url.replace('/simple', '')}/files/frog-1.0-py3-none-any.whl"
    (site.base / "uv.lock").write_text(
        f'[[package]]\nname = "frog"\nversion = "1.0"\nsource = {{ registry = "{own.url}" }}\n'
        f'wheels = [{{ url = "{url}", hash = "sha256:{"0" * 64}" }}]\n'
    )
    digest = sha256((site.base / "own/frog-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    lock = site.base / "uv.lock"
    lock.write_text(lock.read_text().replace("0" * 64, digest))
    site.py("frog", head=indexes(public), constraints_from=[{"lock": "uv.lock"}])
    yield None
    head = indexes(public).replace(" }]", f' }}, {{ name = "own", url = "{own.url}", explicit = true }}]')
    site.py("frog", "newt", head=head, constraints_from=[{"lock": "uv.lock"}], package_indexes={"frog": "own"})


@hint("list the hashes of all files of that version", "or take the package from the index that the hashes are from")
def a_requirements_file_with_other_hashes(site: Site) -> Iterator[str | None]:
    public = site.index(site.house)
    make_wheel(site.base / "own", "frog", "1.0", requires=["newt"])
    own = site.index(site.base / "own")
    listed = site.base / "requirements.txt"
    names = "own/frog-1.0-py3-none-any.whl", f"{site.house}/frog-1.0-py3-none-any.whl"
    ours, theirs = (f"--hash=sha256:{sha256((site.base / name).read_bytes()).hexdigest()}" for name in names)
    listed.write_text(f"frog==1.0 {ours}\n")
    site.py(head=indexes(public), requirements_from=[{"requirements": "requirements.txt"}])
    yield None
    listed.write_text(f"frog==1.0 {ours} {theirs}\n")
    site.lock()
    listed.write_text(f"frog==1.0 {ours}\n")
    yield None
    head = indexes(public).replace(" }]", f' }}, {{ name = "own", url = "{own.url}", explicit = true }}]')
    files = [{"requirements": "requirements.txt"}]
    site.py("newt", head=head, requirements_from=files, package_indexes={"frog": "own"})


@hint(
    "a lock must come out the same on every machine, so its indexes are declared in the specification",
    "declare these indexes with [[tool.uv.index]]",
    "use --local-wheels, or find-links in [tool.uv]",
    "write index-strategy in [tool.uv]",
    "use --no-index, or no-index in [tool.uv]",
)
def variables_that_name_indexes(site: Site) -> Iterator[str | None]:
    index = site.index(site.house)
    url = index.url
    ways = {
        "UV_INDEX": (url, f'[[tool.uv.index]]\nname = "more"\nurl = "{url}"\n'),
        "UV_EXTRA_INDEX_URL": (url, f'[[tool.uv.index]]\nname = "more"\nurl = "{url}"\n'),
        "UV_FIND_LINKS": (str(site.house), f'[tool.uv]\nfind-links = ["{site.house}"]\nno-index = true\n'),
        "UV_INDEX_STRATEGY": ("unsafe-best-match", indexes(index) + 'index-strategy = "unsafe-best-match"\n'),
        "UV_NO_INDEX": ("1", f'[tool.uv]\nfind-links = ["{site.house}"]\nno-index = true\n'),
    }
    for name, (value, head) in ways.items():
        site.variables = {name: value}
        site.py("frog")
        yield "declared in the specification"
        site.variables = {}
        site.py("frog", head=head)
        site.lock()


# The specification and the options


@hint("looked for ", "name the file in it, e.g. ", "TOML files are UTF-8", "name a specification")
def a_specification_that_cannot_be_read(site: Site) -> Iterator[str | None]:
    text = site.stack.path.read_bytes()
    site.stack.path.unlink()
    yield "looked for "
    site.stack.path.write_bytes(text)
    site.lock()
    whole, site.stack = site.stack, replace(site.stack, path=site.base)
    yield "name the file in it, e.g. "
    site.stack = whole
    site.stack.path.write_text("# ä\n" + text.decode(), "latin-1")
    yield "TOML files are UTF-8"
    os.truncate(site.stack.path, (64 << 20) + 1)
    yield "name a specification"
    site.stack.path.write_text("# ä\n" + text.decode(), "utf-8")


@hint("rename the layer")
def a_layer_called_like_a_platform(site: Site) -> Iterator[str | None]:
    site.write(runtime("win_amd64", platforms=[LINUX, WINDOWS]))
    site.options["platform"] = "win_amd64"
    yield None
    site.change('"win_amd64"', '"python"')


@hint("environments go to ", "choose another output folder")
def exports_among_environments(site: Site) -> Iterator[str | None]:
    site.options["export_dir"] = "_build"
    yield None
    site.options["export_dir"] = "exported"


@hint("give one of them", "give a version such as 2.4.1", "known are ")
def options_that_make_no_sense(site: Site) -> Iterator[str | None]:
    for wrong, right, text in (
        ({"compression": "small", "archive_level": 3}, {"compression": "small"}, "give one of them"),
        ({"release": "last one"}, {"release": "2.4.1"}, "give a version such as 2.4.1"),
        ({"platform": "amiga"}, {"platform": "linux_x86_64"}, "known are "),
        ({"runtime_providers": ("zzz",)}, {"runtime_providers": ("host",)}, "known are "),
    ):
        site.options = dict(wrong)
        yield text
        site.options = dict(right)
        site.lock()


@hint("give seconds since 1970 (UTC), or unset it to use the times of the locks")
def a_time_that_is_none(site: Site) -> Iterator[str | None]:
    site.variables["SOURCE_DATE_EPOCH"] = "today"
    yield None
    site.variables["SOURCE_DATE_EPOCH"] = "1700000000"


@hint("name hosts as HOST or HOST:PORT, separated by spaces; logins belong into UV_INDEX_<NAME>_PASSWORD")
def a_host_that_is_none(site: Site) -> Iterator[str | None]:
    site.variables["UV_INSECURE_HOST"] = "me:secret@host"
    yield None
    site.variables["UV_INSECURE_HOST"] = "host:8080"


@hint("install it there: python -m pip install uv")
def a_machine_without_uv(site: Site) -> Iterator[str | None]:
    with site.monkeypatch.context() as missing:
        missing.setattr("uv.find_uv_bin", raising(FileNotFoundError("uv")))
        yield None


@hint("give 1 or 0")
def a_switch_that_is_none(site: Site) -> Iterator[str | None]:
    site.variables |= {"VENVSTACKS_REMOTE_CACHE": "store", "VENVSTACKS_REMOTE_CACHE_PUSH": "maybe"}
    yield None
    site.variables["VENVSTACKS_REMOTE_CACHE_PUSH"] = "1"


@pytest.mark.parametrize("row", hint, ids=hint.names)
def test_following_the_hint_helps(hint_site: Site, row: HintRow) -> None:
    assert follow(hint_site, row) == []
