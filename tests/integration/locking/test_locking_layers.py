from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import THREE, framework, request_for, runtime, tools_for
from venvstacks.actions.locking.lock import lock_layer
from venvstacks.actions.locking.lock_validity import lock_reasons
from venvstacks.digests import sha256_file
from venvstacks.errors import LockError, MissingWheelsError, StaleLockError
from venvstacks.model.layout import StackLayout
from venvstacks.model.source_trees import SourceTree


def test_a_chain_of_layers_holds_each_package_once_in_its_lowest_layer(bench: Bench) -> None:
    base = runtime("base", ["beta; sys_platform == 'linux'"])
    upper = framework("upper", ["alpha"], base)
    bench.lock(base)
    lock = bench.lock(upper).after
    assert {p.name for p in lock.installed("linux_x86_64")} == {"alpha"}
    assert {p.name for p in lock.installed("macosx_arm64")} == {"alpha", "beta"}
    assert {p.name for p in lock.installed("win_amd64")} == {"alpha", "beta", "colour"}
    assert [(p.name, p.provider) for p in lock.shared("linux_x86_64")] == [("beta", "base")]
    document = tomllib.loads(bench.paths(upper).lock.read_text())
    assert document["packages"][0]["wheels"][0]["path"] == "../../wheelhouse/alpha-1.0-py3-none-any.whl"
    assert bench.reasons(upper) == ()


def test_locking_again_changes_no_byte_and_keeps_pins(bench: Bench) -> None:
    layer = runtime("base", ["beta"])
    bench.lock(layer)
    before = bench.texts(layer)
    assert not bench.lock(layer).changed
    assert bench.texts(layer) == before
    bench.wheel("beta", "3.0")
    assert [str(reason) for reason in bench.reasons(layer)] == [
        "new input: local wheel wheelhouse/beta-3.0-py3-none-any.whl"
    ]
    assert [p.version for p in bench.lock(layer).after.packages] == ["2.0"]
    assert [p.version for p in bench.lock(layer, ignore_pins=True).after.packages] == ["3.0"]


def test_an_application_of_the_same_content_is_locked_alike_in_another_folder(bench: Bench, tmp_path: Path) -> None:
    layer = runtime("base", ["alpha", "gamma"])
    bench.lock(layer)
    other = Bench(tmp_path / "a much longer name" / "spec")
    bench.wheels.rename(other.base.parent.parent / "kept")
    other.base.mkdir(parents=True)
    (tmp_path / "kept").rename(other.wheels)
    other.lock(layer)
    assert other.paths(layer).lock.read_bytes() == bench.paths(layer).lock.read_bytes()


def test_a_folder_reached_through_a_link_gives_relative_paths(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bench.base)
    linked = Bench(tmp_path / "link")
    lock = linked.lock(runtime("base", ["beta"])).after
    assert [wheel.location for wheel in lock.path_wheels] == ["../../wheelhouse/beta-2.0-py3-none-any.whl"]


def test_a_folder_may_be_called_anything(bench: Bench, tmp_path: Path) -> None:
    odd = Bench(tmp_path / "a b%20c#d é" / "spec")
    odd.base.parent.mkdir()
    bench.base.rename(odd.base)
    base = runtime("base", ["beta"])
    odd.lock(base)
    lock = odd.lock(framework("upper", ["alpha"], base)).after
    assert {wheel.location.rpartition("/")[0] for wheel in lock.path_wheels} == {"../../wheelhouse"}
    assert odd.reasons(base) == ()
    index = {"name": "flat", "url": "wheelhouse", "format": "flat", "default": True}
    for uv in ({"no-index": True, "find-links": ["wheelhouse"]}, {"index": [index]}):
        odd.lock(runtime("other", ["beta"]), uv=uv, local_wheel_dirs=(), use_index=True)


def test_a_local_version_above_is_no_substitute_for_what_a_lower_layer_holds(bench: Bench) -> None:
    base = runtime("base", ["beta"])
    bench.lock(base)
    bench.wheel("beta", "2.0+cpu")
    lock = bench.lock(framework("upper", ["alpha"], base)).after
    assert {p.name: p.version for p in lock.shared("linux_x86_64")} == {"beta": "2.0"}


def test_a_changed_lower_layer_that_does_not_matter_changes_no_byte_above(bench: Bench) -> None:
    base = runtime("base", ["beta"])
    upper = framework("upper", ["alpha"], base, versioned=True)
    bench.lock(base)
    bench.lock(upper)
    before = bench.paths(upper).lock.read_bytes()
    bench.lock(runtime("base", ["beta", "colour; sys_platform == 'linux'"]))
    reasons = bench.reasons(upper)
    assert [(reason.kind, reason.subject) for reason in reasons] == [("changed input", "lock of layer base")]
    result = bench.lock(upper, policy="if-needed")
    assert (result.resolved, result.changed, result.metadata.lock_version) == (True, False, 1)
    assert bench.paths(upper).lock.read_bytes() == before
    assert bench.reasons(upper) == ()


def test_policies(bench: Bench) -> None:
    layer, changed = runtime("base", ["beta"]), runtime("base", ["beta", "gamma"])
    assert bench.lock(layer, policy="require-valid").resolved
    assert not bench.lock(layer, policy="require-valid").resolved
    assert not bench.lock(layer, policy="if-needed").resolved
    with pytest.raises(StaleLockError) as caught:
        bench.lock(changed, policy="require-valid")
    assert caught.value.details == ("changed setting: requirements: nothing -> gamma",)
    assert "--lock-if-needed" in (caught.value.hint or "")
    assert bench.lock(changed, policy="if-needed").changed


def test_a_valid_lock_starts_no_process(bench: Bench) -> None:
    layer = runtime("base", ["beta"])
    bench.lock(layer)
    tools = tools_for(bench.base)
    lock_layer(bench.request(layer, policy="if-needed"), tools)
    assert tools.processes.started == 0


def test_a_layer_without_requirements_needs_no_uv(bench: Bench) -> None:
    tools = tools_for(bench.base)
    result = lock_layer(bench.request(runtime("empty")), tools)
    assert (tools.processes.started, result.after.packages, bench.reasons(runtime("empty"))) == (0, (), ())


def test_a_changed_launch_module_makes_a_new_version_without_resolving(bench: Bench) -> None:
    base = runtime("base")
    launch = SourceTree("app.py", is_package=False, files=("",))
    layer = framework("a", ["beta"], base, kind="application", launch=launch, versioned=True)
    module = bench.base / "app.py"
    module.write_text("1")
    bench.lock(base)
    first = bench.lock(layer)
    module.write_text("2")
    assert [reason.subject for reason in bench.reasons(layer)] == ["modules.app"]
    second = bench.lock(layer, policy="if-needed")
    assert (first.metadata.lock_version, second.metadata.lock_version, second.resolved) == (1, 2, False)
    assert second.metadata.locked_at == first.metadata.locked_at
    assert bench.reasons(layer) == ()


def test_a_conflict_names_the_layer_below(bench: Bench) -> None:
    base = runtime("base-3.11", ["beta==2.0"])
    upper = framework("upper", ["gamma"], base)
    bench.lock(base)
    with pytest.raises(LockError) as caught:
        bench.lock(upper)
    message = str(caught.value)
    assert "layer 'framework-upper' cannot be locked" in message
    assert "layer 'base-3.11' depends on beta==2.0" in message
    assert "together with base-3.11" in message
    assert not bench.paths(upper).lock.exists()


def test_missing_wheels_are_all_listed_with_the_platforms_that_would_do(bench: Bench) -> None:
    bench.wheel("linuxonly", tag="cp311-cp311-manylinux_2_17_x86_64")
    layer = runtime("base", ["winonly", "linuxonly; sys_platform != 'win32'", "beta"])
    with pytest.raises(MissingWheelsError) as caught:
        bench.lock(layer)
    assert caught.value.details[:2] == (
        "linuxonly  macosx_arm64",
        "winonly    linux_x86_64, macosx_arm64",
    )
    assert 'platforms = ["win_amd64"]' in (caught.value.hint or "")


def test_a_failed_lock_leaves_earlier_files_untouched(bench: Bench) -> None:
    layer = runtime("base", ["beta"])
    bench.lock(layer)
    before = bench.texts(layer)
    with pytest.raises(MissingWheelsError):
        bench.lock(runtime("base", ["beta", "winonly"]))
    assert bench.texts(layer) == before
    staging = bench.base / StackLayout().staging
    assert list(staging.iterdir()) == []


def test_two_layers_below_that_disagree_are_both_named(bench: Bench) -> None:
    base = runtime("base")
    one, two = framework("one", ["beta==1.0"], base), framework("two", ["beta==2.0"], base)
    for layer in (base, one, two):
        bench.lock(layer)
    bench.lock(framework("free", ["colour"], one, two, base))
    with pytest.raises(LockError, match="different versions") as caught:
        bench.lock(framework("both", ["alpha"], one, two, base))
    assert "beta on win_amd64: 1.0 in layer 'framework-one', 2.0 in layer 'framework-two'" in caught.value.details


def test_an_index_that_cannot_be_reached_is_reported(bench: Bench) -> None:
    uv = {"index": [{"name": "gone", "url": "http://127.0.0.1:9/simple", "default": True}]}
    with pytest.raises(LockError, match="cannot be reached"):
        bench.lock(runtime("base", ["delta"]), uv=uv, use_index=True)


def test_a_setting_that_uv_does_not_know_is_reported(bench: Bench) -> None:
    with pytest.raises(LockError, match="refuses its inputs") as caught:
        bench.lock(runtime("base", ["beta"]), uv={"exclude-newr": "2024-01-01"})
    place, _, bar, text, mark, *_ = caught.value.details
    assert place == "Failed to parse: settings.toml"
    assert "[tool.uv]" in (caught.value.hint or "")
    assert text == '1 | exclude-newr = "2024-01-01"'
    assert text.index("exclude-newr") == mark.index("^"), "marks stand below what they mean"
    assert bar.index("|") == mark.index("|")


def test_uv_configuration_above_and_in_the_environment_has_no_influence(bench: Bench) -> None:
    workspace = '[project]\nname = "x"\nversion = "1"\n[tool.uv.workspace]\nmembers = ["**"]\n'
    sources = '[tool.uv.sources]\nbeta = { path = "/nowhere" }\n'
    (bench.base.parent / "pyproject.toml").write_text(workspace + sources)
    (bench.base / "pyproject.toml").write_text('[tool.uv]\nconstraint-dependencies = ["beta<2"]\n')
    (bench.base.parent / "uv.toml").write_text('find-links = ["/nowhere"]\n')
    tools = tools_for(bench.base, UV_CONSTRAINT="/nowhere", UV_EXCLUDE_NEWER="x", UV_FIND_LINKS="/nowhere")
    result = lock_layer(bench.request(runtime("base", ["beta"])), tools)
    assert [package.version for package in result.after.packages] == ["2.0"]


def test_settings_of_the_specification_have_influence(bench: Bench) -> None:
    uv = {"override-dependencies": ["beta==1.0"], "no-index": True, "find-links": ["wheelhouse"]}
    request = request_for(runtime("base", ["alpha"]), bench.base, uv=uv)
    result = lock_layer(request, tools_for(bench.base))
    assert {p.version for p in result.after.packages if p.name == "beta"} == {"1.0"}
    assert lock_reasons(request) == ()


def test_an_assigned_index_holds_for_dependencies_of_dependencies_and_above(bench: Bench, tmp_path: Path) -> None:
    special = make_wheel(tmp_path / "special", "beta", "1.5")
    uv = {
        "index": [
            {"name": "special", "url": special.parent.as_uri(), "format": "flat", "explicit": True},
            {"name": "all", "url": "wheelhouse", "format": "flat", "default": True},
        ]
    }
    more = {"uv": uv, "use_index": True, "local_wheel_dirs": ()}
    base = runtime("base", ["alpha"], package_indexes={"beta": "special"})
    lock = bench.lock(base, **more).after
    assert {p.version for p in lock.packages if p.name == "beta"} == {"1.5"}
    upper = framework("upper", ["gamma"], base, package_indexes={"beta": "special"})
    assert [p.name for p in bench.lock(upper, **more).after.shared("linux_x86_64")] == ["beta"]


def test_a_rebuilt_local_wheel_is_reported(bench: Bench) -> None:
    layer = runtime("base", ["beta"])
    before = sha256_file(bench.wheels / "beta-2.0-py3-none-any.whl")[:8]
    bench.lock(layer)
    after = sha256_file(make_wheel(bench.wheels, "beta", "2.0", files={"beta.py": b"rebuilt"}))[:8]
    expected = [f"changed input: local wheel wheelhouse/beta-2.0-py3-none-any.whl: sha256:{before} -> sha256:{after}"]
    assert [str(reason) for reason in bench.reasons(layer)] == expected
    assert [str(reason) for reason in bench.reasons(layer, local_wheel_dirs=())] == expected
    assert bench.lock(layer, policy="if-needed").changed
    assert bench.reasons(layer) == ()


@pytest.mark.parametrize("damage", ["<<<<<<< HEAD\n", "", "lock-version = 5"])
def test_a_damaged_lock_is_locked_again(bench: Bench, damage: str) -> None:
    layer = runtime("base", ["beta"])
    result = bench.lock(layer)
    before = bench.texts(layer)
    bench.paths(layer).lock.write_text(damage)
    assert [reason.kind for reason in bench.reasons(layer)] == ["invalid record"]
    assert bench.lock(layer, policy="if-needed").metadata == result.metadata
    assert bench.texts(layer) == before


def test_damaged_metadata_and_missing_companions_are_reported_and_repaired(bench: Bench) -> None:
    layer = runtime("base", ["beta"])
    bench.lock(layer)
    paths = bench.paths(layer)
    paths.metadata.write_text("{}")
    assert [reason.kind for reason in bench.reasons(layer)] == ["invalid record"]
    bench.lock(layer, policy="if-needed")
    paths.summary.unlink()
    assert [reason.subject for reason in bench.reasons(layer)] == ["packages-base.txt"]
    assert not bench.lock(layer, policy="require-valid").resolved
    assert bench.reasons(layer) == ()


def test_a_lower_layer_without_a_lock_is_named(bench: Bench) -> None:
    upper = framework("upper", ["beta"], runtime("base"))
    assert "missing input: lock of layer base" not in map(str, bench.reasons(upper))
    with pytest.raises(LockError, match="layer 'base' below it is not"):
        bench.lock(upper)


def test_targets_follow_the_layer(bench: Bench) -> None:
    layer = runtime("base", ["winonly"], targets=("win_amd64",))
    bench.lock(layer)
    wider = replace(layer, platforms=runtime(targets=THREE).platforms)
    message = "changed setting: targets: nothing -> linux_x86_64, macosx_arm64"
    assert message in [str(reason) for reason in bench.reasons(wider)]
