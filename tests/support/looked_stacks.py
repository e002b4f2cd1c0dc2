"""Contents of a small stack as values: two frameworks on a runtime, two applications, and packages that need others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from venvstacks.actions.publishing.package_listing import package_url
from venvstacks.deployment.offers import OfferedFile
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.records.package_lists import LicenceFacts, ListedPackage, ListedWheel

SITE = "lib/python3.11/site-packages"


def package(
    name: str, version: str = "1.0", *requires: str, files: Mapping[str, int] | None = None, **more: Any
) -> ListedPackage:
    """A package; `files` are paths in site-packages with sizes, which `layer` puts into the layer."""
    paths = tuple(sorted(f"{SITE}/{path}" for path in files or {f"{name}/__init__.py": 1000}))
    facts: dict[str, Any] = {
        "purl": package_url(name, version),
        "licence": LicenceFacts(expression="MIT"),
        "wheel": ListedWheel(
            file=f"{name}-{version}-py3-none-any.whl", sha256=sha256_bytes(f"{name} {version}".encode())
        ),
    }
    return ListedPackage(name=name, version=version, requires=requires, files=paths, **{**facts, **more})


def layer(
    name: str,
    *packages: ListedPackage,
    lower: Iterable[str] = ("py",),
    sizes: Mapping[str, int] | None = None,
    **more: Any,
) -> LayerContents:
    """A layer; its kind is in its name. Files have 1000 bytes where `sizes` (path in site-packages) has no number."""
    kinds = {"framework": "framework", "app": "application"}
    kind = kinds.get(name.partition("-")[0], "runtime")
    named = {f"{SITE}/{path}": size for path, size in (sizes or {}).items()}
    found = [
        TreeEntry(path, named.get(path, 1000), sha256=sha256_bytes(f"{each} {path}".encode()))
        for each in packages
        for path in each.files
    ]
    own = [TreeEntry("postinstall.py", 500, sha256=sha256_bytes(b"postinstall"))]
    made = LayerContents(
        name=name,
        target=name,
        kind=kind,  # type: ignore[arg-type]
        python="cpython@3.11.7",
        platform="linux_x86_64",
        lower=() if kind == "runtime" else tuple(lower),
        packages=tuple(sorted(packages, key=lambda each: each.name)),
        files=tuple(sorted([*found, *own])),
        archive=OfferedFile(
            f"{name}.tar.zst", 700 * (1 + len(packages)), sha256_bytes(repr((name, packages)).encode())
        ),
        locked_at="2026-01-02T03:04:05+00:00",
        version=1,
        source=("standalone", "20251120") if kind == "runtime" else None,
    )
    return replace(made, **more)


def stack(*layers: LayerContents, label: str = "here") -> StackContents:
    return StackContents(label, "publication", layers)


BIG = {"big/__init__.py": 1000, "big/data.bin": 5_000_000, "big.libs/libzoo-0a1b2c3d.so": 2_000_000}


def small_stack() -> StackContents:
    """`mid` needs `big` of the framework below; `tiny` lies in both frameworks; `loop` and `pool` need each other."""
    big = package("big", "2.1", files=BIG)
    return stack(
        layer("py", package("pip", "25.0")),
        layer(
            "framework-base",
            big,
            package("tiny", "1.0"),
            package("loop", "1.0", "pool"),
            package("pool", "1.0", "loop[fast]", 'winonly; sys_platform == "win32"'),
            sizes=BIG,
            declared=("big>=2", "tiny", "loop"),
        ),
        layer("framework-other", package("tiny", "1.0"), declared=("tiny",)),
        layer(
            "app-desk",
            package("mid", "0.3", "big<3,>=2.0", "gone", 'speed; extra == "fast"'),
            package("speed", "1.0"),
            lower=("framework-base", "py"),
            declared=("mid[fast]",),
        ),
        layer("app-web", package("tiny", "2.0"), lower=("framework-other", "py"), declared=("tiny>=2",)),
    )
