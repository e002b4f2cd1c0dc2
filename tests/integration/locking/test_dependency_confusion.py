"""Each way in which an outsider's package of the same name could be locked, with what keeps it out.

`house` is a site's own index with frog 1.0, `public` one where an outsider has put frog 9.9. The page
docs/dependency-confusion.md says the same for people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request, Selection, plan
from venvstacks.errors import ForeignSourceError, LockError, MissingWheelsError

LAYER = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64"]
requirements = [{requirement}]
"""


@dataclass
class Site:
    """A project, the two indexes, and the text of their entries."""

    stack: StackOnDisk
    house: Index
    public: Index

    def lock(
        self,
        indexes: str,
        layer: str = '"frog"',
        more: str = "",
        *,
        local_wheels: tuple[str, ...] = (),
        reset: bool = False,
        **variables: str,
    ) -> dict[str, str]:
        """Lock with these indexes, of which $house and $public stand for the addresses; versions by package."""
        text = f"[tool.uv]\nindex = [{indexes}]\n" if indexes else ""
        text += LAYER.format(requirement=layer) + more
        for name, index in (("$house", self.house), ("$public", self.public)):
            text = text.replace(name, index.url)
            variables = {key: value.replace(name, index.url) for key, value in variables.items()}
        self.stack.path.write_text(text, encoding="utf-8")
        stack = replace(self.stack, variables=variables)
        request = Request(("lock",), Selection(reset_lock=("*",) if reset else ()), renew_locks=True)
        stack.run(request, local_wheels=local_wheels, use_index=True)
        return stack.versions("py")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    make_wheel(tmp_path / "house", "frog", "1.0")
    make_wheel(tmp_path / "house", "pond", "1.0", requires=["frog"])
    make_wheel(tmp_path / "public", "frog", "9.9")
    make_wheel(tmp_path / "public", "toad", "1.0", requires=["frog"])
    stack = StackOnDisk.write(tmp_path / "spec", "")
    with ExitStack() as servers:
        house = servers.enter_context(running(Index(tmp_path / "house")))
        yield Site(stack, house, servers.enter_context(running(Index(tmp_path / "public"))))


HOUSE, PUBLIC = '{ name = "house", url = "$house" }', '{ name = "public", url = "$public", default = true }'
HOUSE_DEFAULT = '{ name = "house", url = "$house", default = true }'
EXPLICIT = '{ name = "house", url = "$house", explicit = true }'
PLAIN = '{ name = "public", url = "$public" }'
PRIORITY, ASSIGNED = 'priority_indexes = ["house"]\n', 'package_indexes = { Frog = "house" }\n'


@pytest.mark.parametrize(
    ("indexes", "more"),
    [
        (f"{PUBLIC}, {HOUSE}", ""),
        (f"{HOUSE}, {PLAIN}", ""),
        (f"{PLAIN}, {HOUSE}", PRIORITY),
        (f"{PLAIN}, {HOUSE_DEFAULT}", PRIORITY),
        (f"{HOUSE_DEFAULT}, {PLAIN}", PRIORITY),
        (f"{PUBLIC}, {EXPLICIT}", PRIORITY),
        (f"{PUBLIC}, {EXPLICIT}", ASSIGNED),
        (f"{PLAIN}, {HOUSE_DEFAULT}", ASSIGNED),
        (HOUSE_DEFAULT, ""),
    ],
    ids=[
        "the public index is the default one", "the own index comes first", "the own index has priority",
        "the own index is the default one and has priority", "the same in the other order",
        "an explicit index has priority", "assigned to an explicit index", "assigned to the default index",
        "there is no other index",
    ],
)  # fmt: skip
def test_the_own_package_is_locked(site: Site, indexes: str, more: str) -> None:
    assert site.lock(indexes, more=more) == {"frog": "1.0"}
    assert "frog" not in site.public.pages() or PLAIN not in indexes


@pytest.mark.parametrize(
    ("indexes", "more"), [(f"{PLAIN}, {HOUSE_DEFAULT}", ""), (f"{PUBLIC}, {EXPLICIT}", "")],
    ids=["the own index is the default one", "the own index is explicit, and nothing is assigned to it"],
)  # fmt: skip
def test_what_the_specification_has_to_prevent(site: Site, indexes: str, more: str) -> None:
    """These are the two mistakes that the page warns of; if uv changes them, so must the page."""
    assert site.lock(indexes, more=more) == {"frog": "9.9"}


def test_a_package_that_another_one_needs_is_assigned_as_well(site: Site) -> None:
    found = site.lock(f"{PUBLIC}, {EXPLICIT}", layer='"toad"', more=ASSIGNED)
    assert found == {"frog": "1.0", "toad": "1.0"}


Spoil = Callable[[str, int, str, bytes], tuple[int, str, bytes]]


def no_page(path: str, status: int, kind: str, body: bytes) -> tuple[int, str, bytes]:
    return (404, "text/plain", b"no such page") if path.startswith("/simple/") else (status, kind, body)


def no_hashes(path: str, status: int, kind: str, body: bytes) -> tuple[int, str, bytes]:
    if not path.startswith("/simple/") or status != 200:
        return status, kind, body
    page = json.loads(body)
    for file in page["files"]:
        file["hashes"] = {}
    return status, kind, json.dumps(page).encode()


def test_an_index_that_answers_404_hands_nobody_over_where_packages_are_assigned(site: Site) -> None:
    site.house.spoil = no_page
    with pytest.raises(LockError, match="cannot be found"):
        site.lock(f"{PUBLIC}, {EXPLICIT}", more=ASSIGNED)
    assert "frog" not in site.public.pages()


def test_an_index_that_answers_404_is_passed_over_otherwise(site: Site) -> None:
    """As PEP 503 has it, the answer says that the project is not there; so the page advises to assign such packages."""
    site.house.spoil = no_page
    assert site.lock(f"{PUBLIC}, {HOUSE}") == {"frog": "9.9"}


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_an_index_that_refuses_or_fails_is_never_passed_over(site: Site, status: int) -> None:
    site.house.spoil = lambda *_: (status, "text/plain", b"no")
    with pytest.raises(LockError):
        site.lock(f"{PUBLIC}, {HOUSE}")
    assert "frog" not in site.public.pages()


def test_wheels_of_an_index_without_hashes_are_hashed_when_they_are_locked(site: Site) -> None:
    site.house.spoil = no_hashes
    assert site.lock(HOUSE_DEFAULT) == {"frog": "1.0"}
    (wheel,) = site.stack.read_lock("py").packages[0].wheels
    content = (site.house.wheels / "frog-1.0-py3-none-any.whl").read_bytes()
    assert wheel.hashes == (("sha256", hashlib.sha256(content).hexdigest()),)


@pytest.mark.parametrize("layer", ['"frog"', '"toad"'], ids=["required", "needed by another package"])
def test_what_local_wheels_hold_comes_from_there(site: Site, layer: str) -> None:
    site.stack.wheel("frog", "0.3")
    found = site.lock(PUBLIC, layer=layer, local_wheels=("wheelhouse",))
    assert found["frog"] == "0.3"
    # nor does a lock without the folder, or for more platforms, move to the outsider's package
    assert site.lock(PUBLIC, layer=layer)["frog"] == "0.3"
    site.stack.wheel("frog", "0.4", tag="py3-none-win_amd64")
    assert site.lock(PUBLIC, layer=layer, local_wheels=("wheelhouse",), reset=True)["frog"] == "0.3"


def test_local_wheels_have_no_time_of_upload(site: Site) -> None:
    site.stack.wheel("frog", "0.3")
    found = site.lock(PUBLIC, local_wheels=("wheelhouse",), UV_EXCLUDE_NEWER="2023-01-01T00:00:00Z")
    assert found == {"frog": "0.3"}


def test_local_wheels_for_other_platforms_alone_hand_nobody_over(site: Site) -> None:
    site.stack.wheel("frog", "0.3", tag="py3-none-win_amd64")
    with pytest.raises(MissingWheelsError, match="no wheels"):
        site.lock(PUBLIC, local_wheels=("wheelhouse",))


def test_the_specification_may_prefer_an_index_to_local_wheels(site: Site) -> None:
    site.stack.wheel("frog", "0.3")
    assert site.lock(f"{PUBLIC}, {EXPLICIT}", more=ASSIGNED, local_wheels=("wheelhouse",)) == {"frog": "1.0"}


FROM_PROJECT = 'requirements-from = [{ pyproject = "pyproject.toml" }]\n'
FROM_LOCK = 'constraints-from = [{ lock = "uv.lock" }]\n'
PROJECT = '[project]\nname = "app"\ndependencies = ["frog"]\n[tool.uv.sources]\n'
INDEXED = 'index = [{ name = "house", url = "$house", explicit = true }]'
UV_LOCK = '[[package]]\nname = "frog"\nversion = "$version"\nsource = { $source }\nwheels = [$wheels]\n'


def listed(site: Site, version: str, digest: str) -> str:
    wheel = f'{{ url = "{site.house.url}/frog-{version}-py3-none-any.whl", hash = "sha256:{digest}" }}'
    text = UV_LOCK.replace("$version", version).replace("$wheels", wheel)
    return text.replace("$source", f'registry = "{site.house.url}"')


@pytest.mark.parametrize(
    ("source", "requirement", "says"),
    [
        ('{ index = "house" }', "", "index 'house'"),
        ('{ path = "frog" }', "", "path 'frog'"),
        ("{ workspace = true }", "", "the workspace"),
        ('{ git = "https://host.invalid/frog" }', "", "git 'https://host.invalid/frog'"),
        ('[{ index = "house", marker = "sys_platform == \'linux\'" }]', "", "index 'house'"),
        ('{ index = "house" }', '"toad"', "index 'house'"),
    ],
    ids=["index", "path", "workspace", "git", "for this platform", "of what only another package needs"],
)
def test_a_source_of_the_project_is_followed_or_refused(site: Site, source: str, requirement: str, says: str) -> None:
    text = f"{PROJECT}frog = {source}\n[tool.uv]\n{INDEXED.replace('$house', site.house.url)}\n"
    if requirement:
        text = text.replace('dependencies = ["frog"]', "dependencies = []")
    (site.stack.base / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ForeignSourceError, match="another source") as caught:
        site.lock(PUBLIC, layer=requirement, more=FROM_PROJECT)
    assert caught.value.details[0].startswith(f"frog: pyproject.toml takes it from {says}")
    # what the hint says helps
    if "index" in source:
        assert 'name = "house"' in (caught.value.hint or "")
        found = site.lock(f"{PUBLIC}, {EXPLICIT}", layer=requirement, more=FROM_PROJECT + ASSIGNED)
        assert found["frog"] == "1.0"
    else:
        assert "--local-wheels" in (caught.value.hint or "")
        site.stack.wheel("frog", "0.3")
        assert site.lock(PUBLIC, more=FROM_PROJECT, local_wheels=("wheelhouse",)) == {"frog": "0.3"}


def test_a_source_for_another_platform_does_not_count(site: Site) -> None:
    source = '[{ path = "frog", marker = "sys_platform == \'win32\'" }]'
    (site.stack.base / "pyproject.toml").write_text(f"{PROJECT}frog = {source}\n", encoding="utf-8")
    assert site.lock(HOUSE_DEFAULT, layer="", more=FROM_PROJECT) == {"frog": "1.0"}


def test_a_lock_of_another_tool_names_the_files_that_count(site: Site) -> None:
    """The outsider's frog has the locked version, but is another file."""
    make_wheel(site.public.wheels, "frog", "1.0", requires=["toad"])
    digest = hashlib.sha256((site.house.wheels / "frog-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    (site.stack.base / "uv.lock").write_text(listed(site, "1.0", digest), encoding="utf-8")
    with pytest.raises(ForeignSourceError, match="another source") as caught:
        site.lock(PUBLIC, more=FROM_LOCK)
    assert "frog-1.0-py3-none-any.whl" in caught.value.details[0]
    assert "is not the file that uv.lock lists" in caught.value.details[0]
    assert site.lock(f"{PUBLIC}, {EXPLICIT}", more=FROM_LOCK + ASSIGNED) == {"frog": "1.0"}
    assert site.lock(HOUSE_DEFAULT, more=FROM_LOCK) == {"frog": "1.0"}


def test_what_a_lock_takes_from_a_repository_comes_from_no_index(site: Site) -> None:
    text = (
        UV_LOCK.replace("$version", "9.9").replace("$wheels", "").replace("$source", 'git = "https://host.invalid/f"')
    )
    (site.stack.base / "uv.lock").write_text(text, encoding="utf-8")
    with pytest.raises(ForeignSourceError, match="another source") as caught:
        site.lock(PUBLIC, layer='"toad"', more=FROM_LOCK)
    assert caught.value.details == ("frog: uv.lock takes it from git 'https://host.invalid/f'",)


def test_configuration_around_the_project_has_no_say(site: Site) -> None:
    evil = f'[[index]]\nname = "evil"\nurl = "{site.public.url}"\n'
    (site.stack.base / "uv.toml").write_text(evil, encoding="utf-8")
    (site.stack.base.parent / "uv.toml").write_text(evil, encoding="utf-8")
    project = evil.replace("[[index]]", "[[tool.uv.index]]")
    (site.stack.base.parent / "pyproject.toml").write_text(project, encoding="utf-8")
    assert site.lock(HOUSE_DEFAULT) == {"frog": "1.0"}
    assert site.public.asked == []


def test_a_wheel_cannot_name_an_address_for_what_it_needs(site: Site) -> None:
    make_wheel(
        site.house.wheels, "trap", "1.0", requires=[f"frog @ {site.public.url}/../files/frog-9.9-py3-none-any.whl"]
    )
    with pytest.raises(LockError):
        site.lock(HOUSE_DEFAULT, layer='"trap"')


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_the_default_index_of_the_environment_stands_in_for_the_built_in_one(site: Site, name: str) -> None:
    assert site.lock("", **{name: "$house"}) == {"frog": "1.0"}
    assert site.lock(HOUSE_DEFAULT, **{name: "$house/"}) == {"frog": "1.0"}
    assert site.lock(HOUSE, layer='"frog", "toad"', **{name: "public=$public"}) == {"frog": "1.0", "toad": "1.0"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_DEFAULT_INDEX", "$public"),
        ("UV_INDEX", "$public"),
        ("UV_EXTRA_INDEX_URL", "$public"),
        ("UV_FIND_LINKS", "somewhere"),
        ("UV_INDEX_STRATEGY", "unsafe-best-match"),
        ("UV_NO_INDEX", "1"),
    ],
)
def test_variables_that_would_be_passed_over_are_refused_by_name(site: Site, name: str, value: str) -> None:
    with pytest.raises(LockError, match="environment variables") as caught:
        site.lock(HOUSE_DEFAULT, **{name: value})
    assert name in caught.value.details[0]
    assert not (site.stack.base / "requirements").exists()


def test_a_day_in_the_environment_overrides_that_of_the_specification(site: Site) -> None:
    site.house.uploaded = "2024-05-01T00:00:00Z"
    indexes = f'{HOUSE_DEFAULT}]\nexclude-newer = "2024-01-01"\n#['
    with pytest.raises(LockError):
        site.lock(indexes)
    assert site.lock(indexes, UV_EXCLUDE_NEWER="2024-06-01") == {"frog": "1.0"}
    metadata = json.loads((site.stack.base / "requirements/py/pylock.py.meta.json").read_text(encoding="utf-8"))
    assert metadata["locked_at"] == "2024-06-02T00:00:00+00:00"
    assert {task.status for task in plan(site.stack.project(local_wheels=()), Request(("lock",)))} == {"up to date"}
