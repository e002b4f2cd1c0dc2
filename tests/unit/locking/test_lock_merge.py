from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.locked_layers import THREE, framework, lock_of, locked, resolved, runtime
from venvstacks.errors import LockError
from venvstacks.locking.locks import Provision, ResolvedPackage, provision_of
from venvstacks.locking.merge import merge_resolutions
from venvstacks.locking.names_in_text import names_chosen_in
from venvstacks.locking.pylock import parse_lock
from venvstacks.locking.pylock_text import format_lock
from venvstacks.model.platforms import PLATFORMS

LAYER = framework("f", ["x"], runtime())


def everywhere(packages: list[ResolvedPackage]) -> dict[str, list[ResolvedPackage]]:
    return {target: list(packages) for target in THREE}


def test_versions_that_differ_between_targets_are_entries_of_their_own() -> None:
    old, new = resolved("a", "1.0"), resolved("a", "2.0")
    lock = merge_resolutions(LAYER, dict(zip(THREE, ([old], [new], [new]), strict=True)), Provision())
    assert [(p.version, p.targets) for p in lock.packages] == [("1.0", THREE[:1]), ("2.0", THREE[1:])]


def test_wheels_of_one_version_are_gathered_once_each() -> None:
    win, any_ = resolved("a", "1.0", "cp311-cp311-win_amd64"), resolved("a", "1.0")
    lock = merge_resolutions(LAYER, dict(zip(THREE, ([win], [any_], [any_]), strict=True)), Provision())
    assert len(lock.packages) == 1
    assert set(lock.packages[0].wheels) == {win.wheels[0], any_.wheels[0]}


def test_what_a_lower_layer_provides_on_a_target_is_shared_there_only() -> None:
    provision = provision_of([("base", lock_of(locked("a", "1.0", THREE[:1])))], THREE)
    lock = merge_resolutions(LAYER, everywhere([resolved("a")]), provision)
    assert [(p.provider, p.targets) for p in lock.packages] == [(None, THREE[1:]), ("base", THREE[:1])]
    assert list(lock.installed(THREE[0])) == []
    assert [p.name for p in lock.shared(THREE[0])] == ["a"]


def test_the_first_layer_in_import_order_provides() -> None:
    near, far = lock_of(locked("a", "1.0")), lock_of(locked("a", "1.0"))
    provision = provision_of([("near", near), ("far", far)], THREE)
    assert {provision.on(target)["a"].layer for target in THREE} == {"near"}
    assert provision.clashes == {}


def test_a_needed_package_in_two_versions_below_is_refused_and_both_layers_are_named() -> None:
    provision = provision_of([("near", lock_of(locked("a", "1.0"))), ("far", lock_of(locked("a", "2.0")))], THREE)
    with pytest.raises(LockError) as caught:
        merge_resolutions(LAYER, everywhere([resolved("a", "1.0")]), provision)
    assert "a on win_amd64: 1.0 in layer 'near', 2.0 in layer 'far'" in caught.value.details


def test_a_clash_that_nobody_needs_is_left_alone() -> None:
    provision = provision_of([("near", lock_of(locked("a", "1.0"))), ("far", lock_of(locked("a", "2.0")))], THREE)
    lock = merge_resolutions(LAYER, everywhere([resolved("b")]), provision)
    assert lock.chosen_names == {"b"}


def test_a_local_version_that_a_constraint_lets_through_is_refused() -> None:
    provision = provision_of([("base", lock_of(locked("a", "1.0")))], THREE)
    with pytest.raises(LockError, match=r"different versions"):
        merge_resolutions(LAYER, everywhere([resolved("a", "1.0+cpu")]), provision)


_names = st.sampled_from("abcd")
_resolution = st.dictionaries(_names, st.sampled_from(["1.0", "2.0"]))


@given(
    st.permutations(list(PLATFORMS)).flatmap(
        lambda order: st.tuples(*[st.tuples(st.just(t), _resolution, st.sets(_names)) for t in order[:4]])
    )
)
def test_every_target_gets_exactly_its_resolution_also_through_text(
    cases: tuple[tuple[str, dict[str, str], set[str]], ...],
) -> None:
    targets = [name for name in PLATFORMS if name in {target for target, _, _ in cases}]
    held = {target: below & chosen.keys() for target, chosen, below in cases}
    chosen = {target: chosen for target, chosen, _ in cases}
    lower = lock_of(
        *(locked(name, chosen[target][name], [target]) for target in targets for name in sorted(held[target])),
        targets=targets,
    )
    layer = framework("f", ["x"], runtime(targets=targets))
    resolutions: dict[str, list[ResolvedPackage]] = {
        target: [resolved(name, version) for name, version in chosen[target].items()] for target in targets
    }
    lock = merge_resolutions(layer, resolutions, provision_of([("base", lower)], targets))
    again = parse_lock(format_lock(lock), layer.python)
    assert again == lock
    assert format_lock(again) == format_lock(lock)
    assert names_chosen_in(format_lock(lock)) == lock.chosen_names
    for target in targets:
        installed = {package.name: package.version for package in again.installed(target)}
        shared = {package.name: package.version for package in again.shared(target)}
        assert installed | shared == chosen[target]
        assert shared.keys() == held[target]
        assert installed.keys().isdisjoint(shared)
