"""Which files a layer borrows, from lists of files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from venvstacks.linking.borrowing import Lower, data_links, library_needs, loaded_by_imports, named_libraries
from venvstacks.linking.linkage import Linkage
from venvstacks.linking.provided import Provided

SITE = "lib/python3.11/site-packages"
ORIGIN = ("$ORIGIN",)


def lower(name: str, objects: Mapping[str, Linkage], published: Sequence[str] = (), **more: object) -> Lower:
    libraries = dict.fromkeys(published or [path.rpartition("/")[2] for path in objects], "0")
    return Lower(name, name, Provided(libraries, objects=dict(objects), **more))  # type: ignore[arg-type]


def test_folders_of_run_paths_are_filled_and_so_are_those_that_their_libraries_name() -> None:
    own = {f"{SITE}/torch/_C.so": Linkage(("libtorch.so",), ("$ORIGIN/lib", "$ORIGIN/../nvidia/lib"))}
    cuda = lower(
        "cuda",
        {
            f"{SITE}/nvidia/lib/libcublas.so.12": Linkage(("libdeep.so",), ("$ORIGIN/../deep",)),
            f"{SITE}/nvidia/lib/libopened.so": Linkage(),
            f"{SITE}/nvidia/deep/libdeep.so": Linkage(),
            f"{SITE}/other/libother.so": Linkage(),
        },
    )
    needs = library_needs(own, [*own, f"{SITE}/torch/lib/libtorch.so"], [cuda])
    assert needs.links == {
        f"{SITE}/nvidia/{path}": f"../cuda/{SITE}/nvidia/{path}"
        for path in ("deep/libdeep.so", "lib/libcublas.so.12", "lib/libopened.so")
    }
    assert needs.unreached == ()


def test_a_layer_s_own_library_is_its_own_and_the_nearest_of_several_counts() -> None:
    own = {f"{SITE}/a/x.so": Linkage(("liba.so", "libb.so"), ORIGIN)}
    near = lower("near", {f"{SITE}/a/liba.so": Linkage(), f"{SITE}/a/libb.so": Linkage()})
    far = lower("far", {f"{SITE}/a/libb.so": Linkage()})
    needs = library_needs(own, [*own, f"{SITE}/a/liba.so"], [near, far])
    assert needs.links == {f"{SITE}/a/libb.so": f"../near/{SITE}/a/libb.so"}


def test_libraries_in_data_folders_are_reached_like_others() -> None:
    own = {f"{SITE}/mkl/_mkl.so": Linkage(("libmkl_rt.so.2",), ("${ORIGIN}/../../..",))}
    needs = library_needs(own, own, [lower("mkl", {"lib/libmkl_rt.so.2": Linkage()})])
    assert needs.links == {"lib/libmkl_rt.so.2": "../mkl/lib/libmkl_rt.so.2"}


def test_mach_o_names_its_places_in_other_words() -> None:
    own = {
        f"{SITE}/q/QtCore.abi3.so": Linkage(("@rpath/QtCore",), ("@loader_path/Qt6/lib",)),
        f"{SITE}/r/r.so": Linkage(("@loader_path/.dylibs/libz.dylib", "/usr/lib/libSystem.B.dylib"), ()),
    }
    below = lower("qt", {f"{SITE}/q/Qt6/lib/QtCore": Linkage(), f"{SITE}/r/.dylibs/libz.dylib": Linkage()})
    needs = library_needs(own, own, [below])
    assert sorted(needs.links) == [f"{SITE}/q/Qt6/lib/QtCore", f"{SITE}/r/.dylibs/libz.dylib"]
    assert needs.unreached == ()


def test_names_that_no_run_path_reaches() -> None:
    own = {
        "a.so": Linkage(("libfrog.so", "libc.so.6", "libown.so", "libreached.so"), ()),
        "b.so": Linkage(("libreached.so",), ORIGIN),
        "/elsewhere.so": Linkage(("/opt/libabsolute.so",), ("/opt",)),
    }
    needs = library_needs(own, [*own, "x/libown.so", "libreached.so"], [])
    assert needs.unreached == ("libfrog.so",)


def test_run_paths_that_leave_the_layer_are_ignored() -> None:
    own = {"a.so": Linkage(("libx.so",), ("$ORIGIN/../..", "/opt/x", "$ORIGIN/../../x"))}
    assert library_needs(own, own, [lower("low", {"libx.so": Linkage()})]).links == {}


def test_what_importing_a_package_loads() -> None:
    compiled = {
        f"{SITE}/t/_C.so": Linkage(("libt.so",), ("$ORIGIN/lib",)),
        f"{SITE}/t/lib/libt.so": Linkage(("libcore.so",), ORIGIN),
        f"{SITE}/t/lib/libcore.so": Linkage(),
        f"{SITE}/t/lib/libunused.so": Linkage(),
    }
    libraries = {path: linkage for path, linkage in compiled.items() if "/lib/" in path}
    assert loaded_by_imports(compiled, libraries) == ("libcore.so", "libt.so")


def test_libraries_by_name_come_with_what_they_look_for_themselves() -> None:
    below = lower(
        "low",
        {"x/libfrog.so": Linkage(("libleg.so",), ORIGIN), "x/libleg.so": Linkage(), "y/libother.so": Linkage()},
    )
    assert named_libraries(["libfrog.so", "libmissing.so"], [below], "share/p") == {
        "share/p/libfrog.so": "../low/x/libfrog.so",
        "share/p/libleg.so": "../low/x/libleg.so",
    }


def test_data_files_of_the_nearest_layer_win_and_differences_are_noted() -> None:
    near = Lower("near", "near@3", Provided(data={"share/a": "1", "share/b": "1"}))
    far = Lower("far", "far", Provided(data={"share/a": "2", "share/b": "1", "etc/c": "1", "share/own": "1"}))
    links, notes = data_links(["share/own"], [near, far])
    assert links == {"etc/c": "../far/etc/c", "share/a": "../near@3/share/a", "share/b": "../near@3/share/b"}
    assert notes == ("share/a: taken from 'near', not the different one of 'far'",)
