from __future__ import annotations

from typing import Any

import pytest

from venvstacks.model.file_references import ConstraintsFrom, RequirementsFrom
from venvstacks.model.foreign_files import UnusableFileError
from venvstacks.model.requirement_files import gather_requirements, included_files

PROJECT = """\
[project]
name = "My.App"
dependencies = ["frog>=1", "toad[spots]"]

[project.optional-dependencies]
fast = ["newt"]
all = ["my-app[fast]; python_version < '4'", "egg"]
circle = ["my_app[circle]"]

[dependency-groups]
Test_Group = ["pytest", { include-group = "lint" }]
lint = ["ruff"]
loop = [{ include-group = "other" }]
other = [{ include-group = "loop" }]
odd = [{ include = "x" }]
far = ["x @ https://index.invalid/x.whl"]
"""


def gathered(source: RequirementsFrom, **texts: str) -> list[tuple[list[str], bool]]:
    contents = gather_requirements(source, {name.replace("_", "."): text for name, text in texts.items()})
    return [(list(part.lines), part.is_constraint) for part in contents.gathered]


def from_project(text: str = PROJECT, **more: Any) -> list[str]:
    ((lines, is_constraint),) = gathered(
        RequirementsFrom.model_validate({"pyproject": "pyproject.toml", **more}), pyproject_toml=text
    )
    assert not is_constraint
    return lines


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, ["frog>=1", "toad[spots]"]),
        ({"extras": ["fast"]}, ["frog>=1", "toad[spots]", "newt"]),
        ({"extras": ["all"], "dependencies": False}, ['newt; python_version < "4"', "egg"]),
        ({"groups": ["test-group"], "dependencies": False}, ["pytest", "ruff"]),
        ({"groups": ["lint"], "extras": ["FAST"]}, ["frog>=1", "toad[spots]", "newt", "ruff"]),
    ],
)
def test_what_a_project_requires(chosen: dict[str, Any], expected: list[str]) -> None:
    assert from_project(**chosen) == expected


def test_a_project_may_have_nothing_but_groups() -> None:
    assert from_project('[dependency-groups]\nlint = ["ruff"]\n', groups=["lint"]) == ["ruff"]


@pytest.mark.parametrize(
    ("text", "chosen", "message"),
    [
        (PROJECT, {"extras": ["slow"]}, "has no extra 'slow'; there are: fast, all, circle"),
        (PROJECT, {"groups": ["docs"]}, "has no dependency group 'docs'"),
        (PROJECT, {"groups": ["loop"]}, "dependency group 'loop' includes itself, by way of loop, other"),
        (PROJECT, {"extras": ["circle"]}, "extra 'circle' includes itself"),
        (PROJECT, {"groups": ["odd"]}, "group 'odd' is not an array of requirements"),
        (PROJECT, {"groups": ["far"]}, "names a URL"),
        ("[project]\ndependencies = ['not a requirement']", {}, r"dependencies: 'not a requirement' is not a req"),
        ("[project]\ndependencies = 'x'", {}, "dependencies is not an array"),
        ("[project]\ndynamic = ['dependencies']", {}, "dependencies are dynamic"),
        ("[project", {}, "not valid TOML"),
        ("project = 1", {}, "project is not a table"),
    ],
)
def test_what_cannot_be_taken_from_a_project_is_reported(text: str, chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableFileError, match=message):
        from_project(text, **chosen)


REQUIREMENTS = f"""\
# tools
frog==1.0 \\
    --hash=sha256:{"0" * 64} \\
    --hash=sha256:{"1" * 64}  # why
toad ; sys_platform == 'win32'   # comment
-r more.txt
-c limits.txt
--only-binary :all:
"""


def test_a_requirements_file_with_all_that_it_includes() -> None:
    source = RequirementsFrom(requirements="reqs.txt")
    found = gathered(source, reqs_txt=REQUIREMENTS, more_txt="newt\n-r reqs.txt\n", limits_txt="egg<2\n")
    assert found == [(["frog==1.0", "toad ; sys_platform == 'win32'", "newt"], False), (["egg<2"], True)]


def test_constraints_take_everything_as_constraints() -> None:
    source = ConstraintsFrom(requirements="reqs.txt")
    found = gathered(source, reqs_txt="a<1\n-r more.txt\n", more_txt="b<1")
    assert found == [(["a<1", "b<1"], True)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-e ../lib", r"reqs.txt:2: '-e ../lib' names a project that .* NAME = { path = \"../lib\" }"),
        ("./b-1.0-py3-none-any.whl", "write its name before its address: 'b @ file:./b-1.0-py3-none-any.whl'"),
        ("git+https://h.invalid/r@1#egg=b&subdirectory=s", "'b @ git.https://h.invalid/r@1#subdirectory=s'"),
        ("git+https://u:secret@h.invalid/r", "2: 'git.https://h.invalid/r' is not .*'NAME @ git.https://h.invalid/r'$"),
        (
            "--editable git+https://h.invalid/r#egg=b",
            "2: '--editable git.https://h.invalid/r' .* its address: 'b @ git.https://h.invalid/r'$",
        ),
        ("https://[h/x.whl", "reqs.txt:2: 'https:///x.whl' is not a requirement"),
        ("-e git+https://[h/x", "reqs.txt:2: '-e git.https:///x' names a repository; require its package"),
        ("--index-url https://index.invalid", "has no effect here"),
        ("./wheel.whl", "reqs.txt:2: './wheel.whl' is not a requirement"),
        ("a @ https://index.invalid/a.whl", "names a URL"),
        ("-r https://index.invalid/r.txt", "names a URL; keep a copy"),
        ("-r gone.txt", "there is no file 'gone.txt'"),
        ("a==1 --hash=sha512:00", "reqs.txt:2: '--hash=sha512:00' is no SHA-256 sum"),
        ("a==1 --hash=sha256:00", "reqs.txt:2: '--hash=sha256:00' is no SHA-256 sum"),
    ],
)
def test_what_cannot_be_taken_from_a_requirements_file_is_reported(line: str, message: str) -> None:
    with pytest.raises(UnusableFileError, match=message):
        gathered(RequirementsFrom(requirements="reqs.txt"), reqs_txt=f"good\n{line}\n")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("d/reqs.txt", "-r more.txt\n-c ../limits.txt\nfrog\n", ("d/more.txt", "limits.txt")),
        ("reqs.txt", "--requirement=more.txt\n-r https://index.invalid/x\n", ("more.txt",)),
        ("pyproject.toml", "-r more.txt", ()),
        ("uv.lock", "-r more.txt", ()),
        (
            "d/reqs.txt",
            "-e ..\n-e ./lib [all]\n-e git+https://h.invalid/x\n",
            ("pyproject.toml", "d/lib/pyproject.toml"),
        ),
    ],
)
def test_included_files_are_found(path: str, text: str, expected: tuple[str, ...]) -> None:
    assert included_files(path, text) == expected


def test_projects_that_a_requirements_file_installs_as_editable_are_required_by_name() -> None:
    texts = {
        "d/reqs.txt": "-e ..\n--editable=./lib [all]\n-c limits.txt\n",
        "d/limits.txt": "frog<2\n",
        "pyproject.toml": '[project]\nname = "The.Frog"\n',
        "d/lib/pyproject.toml": '[project]\nname = "lib"\n',
    }
    found = gather_requirements(RequirementsFrom(requirements="d/reqs.txt"), texts)
    assert found.gathered[0].lines == ("The.Frog", "lib[all]")
    sources = {source.name: source.place for source in found.gathered[0].sources}
    assert sources == {"the-frog": "path '.'", "lib": "path 'd/lib'"}
    assert 'write lib = { path = "d/lib" } in [tool.uv.sources]' in found.gathered[0].sources[1].cure
    assert set(found.files) == set(texts)


UV_LOCK = """\
version = 1
[[package]]
name = "app"
version = "0.1"
source = { virtual = "." }
[[package]]
name = "frog"
version = "1.5"
source = { registry = "https://index.invalid/simple" }
[[package]]
name = "toad"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
resolution-markers = ["sys_platform == 'win32'"]
[[package]]
name = "toad"
version = "2.0"
source = { registry = "https://index.invalid/simple" }
resolution-markers = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
"""

PYLOCK = """\
lock-version = "1.0"
[[packages]]
name = "frog"
version = "1.5"
marker = "'fast' in extras"
[[packages]]
name = "toad"
version = "1.0"
marker = "sys_platform == 'win32'"
[[packages]]
name = "newt"
version = "9"
marker = "sys_platform == 'from_lower_layer'"
[[packages]]
name = "app"
directory = { path = "." }
"""


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "uv.lock",
            UV_LOCK,
            [
                "frog==1.5",
                "toad==1.0 ; (sys_platform == 'win32')",
                "toad==2.0 ; (sys_platform == 'linux') or (sys_platform == 'darwin')",
            ],
        ),
        ("pylock.toml", PYLOCK, ["frog==1.5", "toad==1.0 ; sys_platform == 'win32'"]),
    ],
)
def test_other_locks_become_constraints(path: str, text: str, expected: list[str]) -> None:
    contents = gather_requirements(ConstraintsFrom(lock=path), {path: text})
    assert [(list(part.lines), part.is_constraint) for part in contents.gathered] == [(expected, True)]
    assert contents.files == (path,)


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD", "package = 1", '[[package]]\nname = "a"\nversion = "?"\nsource.registry = ""']
)
def test_unusable_locks_are_reported(text: str) -> None:
    with pytest.raises(ValueError, match=r"uv\.lock"):
        gather_requirements(ConstraintsFrom(lock="uv.lock"), {"uv.lock": text})


def test_groups_that_include_each_other_in_very_many_ways_take_no_longer() -> None:
    """Each group includes the next one twice: 2 ** 60 ways to the last one."""
    groups = [f'g{n} = [{{ include-group = "g{n + 1}" }}, {{ include-group = "g{n + 1}" }}]' for n in range(60)]
    text = "\n".join(["[dependency-groups]", *groups, 'g60 = ["frog"]'])
    assert from_project(text, groups=["g0"]) == ["frog"]


def project_of_extras(entries: str) -> str:
    extras = [f"e{n} = [{entries.format(this=n, next=n + 1)}]" for n in range(60)]
    return "\n".join(['[project]\nname = "p"', "[project.optional-dependencies]", *extras, 'e60 = ["frog"]'])


def test_extras_that_include_each_other_in_very_many_ways_take_no_longer() -> None:
    text = project_of_extras("'p[e{next}]', 'p[e{next}]'")
    assert from_project(text, extras=["e0"]) == ["frog"]


def test_extras_under_the_same_markers_in_very_many_ways_take_no_longer() -> None:
    text = project_of_extras("\"p[e{next}]; python_version < '4'\", \"p[e{next}]; os_name == 'nt'\"")
    assert from_project(text, extras=["e0"]) == [
        'frog; python_version < "4"',
        'frog; os_name == "nt" and python_version < "4"',
        'frog; python_version < "4" and os_name == "nt"',
        'frog; os_name == "nt"',
    ]


def test_extras_under_very_many_markers_are_refused() -> None:
    text = project_of_extras("\"p[e{next}]; python_version < '4.{this}'\", \"p[e{next}]; os_name == '{this}'\"")
    with pytest.raises(UnusableFileError, match="gives more than 10000 requirements"):
        from_project(text, extras=["e0"])


def test_a_long_chain_of_groups_is_refused() -> None:
    groups = [f'g{n} = [{{ include-group = "g{n + 1}" }}]' for n in range(5000)]
    with pytest.raises(UnusableFileError, match="'g101' is included by more than 100 others"):
        from_project("\n".join(["[dependency-groups]", *groups]), groups=["g0"])


def test_a_long_chain_of_requirements_files_is_refused() -> None:
    texts = {f"{n}.txt": f"-r {n + 1}.txt\n" for n in range(5000)}
    with pytest.raises(UnusableFileError, match=r"'101\.txt' is included by more than 100 others"):
        gather_requirements(RequirementsFrom.model_validate({"requirements": "0.txt"}), texts)
