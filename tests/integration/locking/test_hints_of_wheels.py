"""Hints about wheels, own packages and indexes: each is followed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.followed_hints import LINUX, MAC, WINDOWS, HintRow, HintRows, Site, follow, indexes
from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.own_projects import write_project

hint = HintRows()


# Wheels


@hint("write ", " in the layer: its wheels then need systems of that version or newer")
def wheels_for_newer_systems(site: Site) -> Iterator[str | None]:
    for name, platform, key in (
        ("modern", LINUX, 'linux_target = "glibc@2.34"'), ("modern", MAC, 'macosx_target = "14.0"'),
    ):  # fmt: skip
        site.py(name, platforms=(platform,))
        yield f"write {key} in the layer"
        site.stack.path.write_text(site.stack.path.read_text() + f"{key}\n")
        site.lock()


@hint(
    "this layer can be locked with platforms = [",
    "build wheels and use --local-wheels, ",
    "allow the versions that have wheels",
)
def wheels_for_one_platform(site: Site) -> Iterator[str | None]:
    site.py("wide>1", platforms=(LINUX, WINDOWS))
    yield 'platforms = ["win_amd64"]'
    site.change('["linux_x86_64", "win_amd64"]', '["win_amd64"]')
    site.lock()
    site.change('["win_amd64"]', '["linux_x86_64", "win_amd64"]')
    yield None
    site.change('"wide>1"', '"wide"')
    site.lock()
    site.change('"wide"', '"wide>1"')
    yield None
    make_wheel(site.base / "built", "wide", "2.0", tag="cp311-cp311-linux_x86_64")
    site.options["local_wheels"] = (str(site.house), "built")


@hint(
    "build wheels and use --local-wheels, or have them built: require ",
    " in this layer, and name where the source is in [tool.uv.sources], as in ",
)
def a_package_that_has_source_alone(site: Site) -> Iterator[str | None]:
    make_wheel(site.base / "wheels", "needy", "1.0", requires=["plain"])
    make_wheel(
        site.base / "wheels", "plain", "1.0", tag="cp39-cp39-win32"
    )  # an archive of its source is no wheel either
    site.options["local_wheels"] = ("wheels",)
    site.py("needy")
    yield "require plain in this layer, and name where the source is in [tool.uv.sources], as in plain = { url = "
    write_project(site.base / "plain", "plain")
    site.py("needy", "plain", head='[tool.uv.sources]\nplain = { path = "plain" }\n')


@hint("name one wheel per platform, each with a marker (; sys_platform == 'linux'), or narrow `platforms`")
def a_wheel_by_address_for_one_platform(site: Site) -> Iterator[str | None]:
    for target in (LINUX, WINDOWS):
        make_wheel(site.base / "wheels", "only", "1.0", tag=f"cp311-cp311-{target}")
    places = {target: f"only @ file:wheels/only-1.0-cp311-cp311-{target}.whl" for target in (LINUX, WINDOWS)}
    site.py(places[LINUX], platforms=(LINUX, WINDOWS))
    yield None
    site.py(
        places[LINUX] + " ; sys_platform == 'linux'",
        places[WINDOWS] + " ; sys_platform == 'win32'",
        platforms=(LINUX, WINDOWS),
    )
    site.lock()
    site.py(places[LINUX], platforms=(LINUX,))


SOURCES = '[tool.uv.sources]\nown = { path = "own" }\n'


@hint("build them on the other platforms and give them with --local-wheels, or narrow `platforms`")
def an_own_package_for_one_platform(site: Site) -> Iterator[str | None]:
    write_project(site.base / "own", "own")
    (site.base / "own/tag").write_text("py3-none-linux_x86_64")
    site.py("own", platforms=(LINUX, WINDOWS), head=SOURCES)
    yield None
    make_wheel(site.base / "built", "own", "1.0", tag="py3-none-win_amd64")
    site.options["local_wheels"] = (str(site.house), "built")
    site.lock()
    del site.options["local_wheels"]
    site.change(', "win_amd64"', "")


@hint("add ", " to the layer's requirements, and to [tool.uv.sources] if it is not there")
def an_own_package_that_another_one_needs(site: Site) -> Iterator[str | None]:
    write_project(site.base / "own", "own")
    site.py("needy", head=SOURCES)
    make_wheel(site.base / "wheels", "own", "2.0")
    make_wheel(site.base / "wheels", "needy", "1.0", requires=["own"])
    site.options["local_wheels"] = ("wheels",)
    yield "add own to"
    site.change('"needy"', '"needy", "own"')


@hint("build its wheel first: `venvstacks lock` does, and so does the task wheel:")
def a_lock_task_alone(site: Site) -> Iterator[str | None]:
    """As `doit run --single` does it."""
    write_project(site.base / "own", "own")
    site.py("own", head=SOURCES)
    site.is_alone = True
    yield "wheel:own"
    site.is_alone = False
    site.lock()
    site.is_alone = True


# Indexes, and what uv says


@hint(
    "check the network and the indexes in [tool.uv] (slow ones may need a larger UV_HTTP_TIMEOUT, in "
    "seconds); --no-index with --local-wheels locks without a network"
)
def an_index_that_nobody_reaches(site: Site) -> Iterator[str | None]:
    with running(Index(site.house)) as closed:
        pass
    site.options = {"local_wheels": (), "use_index": True}
    site.py("frog", head=indexes(closed))
    yield None
    site.py("frog", head=indexes(site.index(site.house)))
    site.lock()
    slow = site.index(site.house, delay=2.0)
    site.variables["UV_HTTP_TIMEOUT"] = "1"
    site.py("frog", head=indexes(slow))
    yield None
    del site.variables["UV_HTTP_TIMEOUT"]
    site.lock()
    site.py("newt", head=indexes(closed))
    yield None
    site.options = {"local_wheels": (str(site.house),), "use_index": False}


@hint(
    "try again later, or report it to the index's operator; is its URL in [tool.uv] right? --no-index "
    "with --local-wheels locks without it"
)
def an_index_that_fails(site: Site) -> Iterator[str | None]:
    index = site.index(site.house, spoil=lambda *_: (500, "text/plain", b"oops"))
    site.py("frog", head=indexes(index))
    yield None
    before, site.options = site.options, {}
    site.lock()
    site.options, index.spoil = before, None


@hint(
    "name the index in [tool.uv] and set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, netrc or "
    "UV_KEYRING_PROVIDER; a specification should hold no credentials"
)
def an_index_with_a_login(site: Site) -> Iterator[str | None]:
    index = site.index(site.house, login=("tom", "s3cr3t"))
    site.py("frog", head=indexes(index))
    yield None
    site.variables |= {"UV_INDEX_CORP_USERNAME": "tom", "UV_INDEX_CORP_PASSWORD": "s3cr3t"}


@hint(
    "is the URL in [tool.uv] that of a package index (PEP 503 or 691), and is the file a whole wheel? "
    "What is damaged on an index has to be repaired by its operator"
)
def a_wheel_that_is_cut_off(site: Site) -> Iterator[str | None]:
    wheel = make_wheel(site.base / "wheels", "broken", "1.0")
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:100])
    site.options["local_wheels"] = ("wheels",)
    site.py("broken")
    yield None
    wheel.write_bytes(whole)


@hint(
    "check the spelling, and exclude-newer; a package of your own needs its index in [tool.uv] (and "
    "package_indexes, if it is an explicit one), or its wheel in a folder named with --local-wheels"
)
def a_package_that_nobody_has(site: Site) -> Iterator[str | None]:
    site.py("forg")
    yield None
    site.change("forg", "frog")
    site.lock()
    make_wheel(site.base / "served", "toad", "1.0")
    make_wheel(site.base / "other", "tree", "1.0")
    index, other = site.index(site.base / "served"), site.index(site.base / "other")
    site.py("toad", head=indexes(index) + 'exclude-newer = "2023-01-01T00:00:00Z"\n')
    yield None
    site.change("2023", "2025")
    site.lock()
    site.py("toad", head=indexes(other))
    yield None
    both = indexes(other).replace(" }]", f' }}, {{ name = "own", url = "{index.url}", explicit = true }}]')
    site.py("toad", head=both, package_indexes={"toad": "own"})
    site.lock()
    site.py("newt", head=indexes(other))
    yield None
    site.options["local_wheels"] = (str(site.house),)


@hint(
    "correct what it names; settings.toml and pyproject.toml are made from [tool.uv] of the "
    "specification (or venvstacks.uv.toml next to it) and from the layer's keys"
)
def a_setting_that_uv_refuses(site: Site) -> Iterator[str | None]:
    site.py("frog", head='[tool.uv]\nprerelease = "sometimes"\n')
    yield None
    site.change("sometimes", "allow")


@pytest.mark.parametrize("row", hint, ids=hint.names)
def test_following_the_hint_helps(hint_site: Site, row: HintRow) -> None:
    assert follow(hint_site, row) == []
