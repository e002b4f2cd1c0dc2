from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.support.offered_layers import generation, layer, record_of
from venvstacks.deployment.binding import Bound, Inventory, bind, dropped_generations, garbage, plan_work
from venvstacks.deployment.offers import OfferedLayer
from venvstacks.deployment.state import InstanceRecord, needed_instances

PY, POND = layer("py"), layer("framework-pond")
REEDS = layer("framework-reeds", "framework-pond")
FROG = layer("app-frog", "framework-pond")
NEWT = layer("app-newt", "framework-reeds", "framework-pond")
CHAIN = (PY, POND, REEDS, NEWT)
NOTHING = Inventory({})


def store(bound: Iterable[Bound]) -> dict[str, InstanceRecord]:
    return {one.id: record_of(one) for one in bound}


def targets(bound: Iterable[Bound]) -> list[str]:
    return [one.layer.target for one in bound]


def changed(one: OfferedLayer) -> OfferedLayer:
    return replace(one, archive=replace(one.archive, sha256="c" * 64))


def test_the_same_archives_give_the_same_ids() -> None:
    first, again = bind(CHAIN, NOTHING), bind(CHAIN, NOTHING)
    assert first == again
    assert len({one.id for one in first}) == 4
    assert first[3].lower == {"framework-reeds": first[2].id, "framework-pond": first[1].id, "py": first[0].id}


def test_another_layer_gives_everything_above_it_another_id() -> None:
    before = bind(CHAIN, NOTHING)
    after = bind((PY, changed(POND), REEDS, NEWT), NOTHING)
    assert [one.id == other.id for one, other in zip(before, after, strict=True)] == [True, False, False, False]


def test_work() -> None:
    installed = store(bind((PY, POND, REEDS), NOTHING))
    inventory = Inventory(installed)
    work = plan_work(bind((PY, changed(POND), REEDS, NEWT), inventory), inventory)
    assert targets(work.keep) == ["py"]
    assert targets(work.fetch) == ["framework-pond", "app-newt"]
    ((rebound, donor),) = work.rebind
    assert (rebound.layer, installed[donor].installed.target) == (REEDS, "framework-reeds")


def test_damaged_instances_are_replaced_and_not_linked_from() -> None:
    bound = bind(CHAIN, NOTHING)
    installed = store(bound)
    damaged = Inventory(installed, damaged={bound[1].id})
    wanted = bind(CHAIN, damaged)
    work = plan_work(wanted, damaged)
    assert (targets(work.keep), targets(work.fetch)) == (["py"], ["framework-pond"])
    assert targets(one for one, _ in work.rebind) == ["framework-reeds", "app-newt"]
    assert not {one.id for one in wanted[1:]} & installed.keys()


def test_an_id_that_is_taken_is_not_given_again() -> None:
    bound = bind(CHAIN, NOTHING)
    again = bind(CHAIN, Inventory({}, taken={one.id for one in bound}))
    assert not {one.id for one in bound} & {one.id for one in again}
    assert targets(plan_work(again, NOTHING).fetch) == targets(bound)


def test_of_two_that_would_do_the_current_one_is_taken() -> None:
    bound = bind(CHAIN, NOTHING)
    old = store(bound)
    repaired = bind(CHAIN, Inventory(old, damaged={bound[1].id}))
    both = old | store(repaired)
    for current in (bound, repaired):
        ids = {one.id for one in current}
        assert {one.id for one in bind(CHAIN, Inventory(both, ids))} == ids


def test_garbage_is_what_no_generation_needs() -> None:
    bound = bind((PY, POND, FROG), NOTHING)
    other = bind((PY, changed(POND), FROG), NOTHING)
    known = [record_of(one).installed for one in (*bound, *other)]
    first = generation(1, None, {"frog": bound[2].id}, known)
    second = generation(2, 1, {"frog": other[2].id}, known)
    ids = {one.id for one in (*bound, *other)} | {"stray"}
    assert garbage(ids, [first, second]) == ("stray",)
    assert set(garbage(ids, [second])) == {"stray", bound[1].id, bound[2].id}
    assert set(garbage(ids, [])) == ids


def test_kept_generations() -> None:
    current = generation(7, 5, {}, [])
    assert dropped_generations([3, 5, 6, 7, 8], current) == (3, 6, 8)
    assert dropped_generations([1], None) == (1,)


def test_why_instances_are_there() -> None:
    frog, newt = bind((PY, POND, FROG), NOTHING), bind(CHAIN, NOTHING)
    known = [record_of(one).installed for one in {one.id: one for one in (*newt, *frog)}.values()]
    instances, needed_by = needed_instances({"newt": newt[3].id, "frog": frog[2].id}, known)
    assert [one.target for one in instances] == ["py", "framework-pond", "app-frog", "framework-reeds", "app-newt"]
    assert needed_by[newt[0].id] == ("frog", "newt")
    assert needed_by[newt[2].id] == ("newt",)


@given(st.lists(st.sampled_from([PY, POND, REEDS, NEWT]), max_size=4), st.data())
def test_whatever_is_installed_everything_wanted_comes_from_somewhere(
    changes: list[OfferedLayer], data: st.DataObject
) -> None:
    installed = store(bind(tuple(changed(one) if one in changes else one for one in CHAIN), NOTHING))
    damaged = data.draw(st.sets(st.sampled_from(sorted(installed))))
    inventory = Inventory(installed, damaged=damaged)
    wanted = bind(CHAIN, inventory)
    work = plan_work(wanted, inventory)
    ways = [*work.keep, *work.fetch, *(one for one, _ in work.rebind)]
    assert sorted(one.id for one in ways) == sorted(one.id for one in wanted)
    assert not {one.id for one in work.keep} & damaged
    assert not {donor for _, donor in work.rebind} & damaged
    assert not {one.id for one in (*work.fetch, *(one for one, _ in work.rebind))} & installed.keys()
