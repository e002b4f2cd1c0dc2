"""Projects to build wheels of, with a build backend of their own: no index is asked, and builds take a moment."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

BACKEND = '''
"""Packs the folder `src`; `tag` and `stamp` beside it change how."""
import base64, hashlib, os, pathlib, tomllib, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return []

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(folder, config_settings=None, metadata_directory=None):
    return build_wheel(folder, is_editable=True)

def build_wheel(folder, config_settings=None, metadata_directory=None, is_editable=False):
    here = pathlib.Path.cwd()
    project = tomllib.loads((here / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    tag = (here / "tag").read_text().strip() if (here / "tag").exists() else "py3-none-any"
    info = f"{name}-{version}.dist-info"
    files = {p.relative_to(here / "src").as_posix(): p.read_bytes() for p in (here / "src").rglob("*") if p.is_file()}
    if is_editable:
        files = {f"{name}.pth": f"{here / 'src'}\\n".encode()}
    if (here / "stamp").exists():
        files[f"{name}/built_in.txt"] = str(here).encode()
    requires = "".join(f"Requires-Dist: {line}\\n" for line in project.get("dependencies", []))
    head = f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {version}\\n"
    files[f"{info}/METADATA"] = (head + requires).encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: {tag}\\n".encode()
    scripts = project.get("scripts", {})
    if scripts:
        lines = "".join(f"{key} = {value}\\n" for key, value in scripts.items())
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\\n{lines}".encode()
    rows = []
    file = f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as wheel:
        for path in sorted(files):
            digest = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(files[path])}\\n")
            wheel.writestr(zipfile.ZipInfo(path), files[path])
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "".join(rows) + f"{info}/RECORD,,\\n")
    return file
'''


def write_project(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    tables: str = "",
) -> Path:
    """Write a project into `folder`: a module `<name>.py` that knows its version, or the `files` of `src`.

    Args:
        folder: Where to.
        name: Distribution name.
        version: Its version.
        requires: Its requirements (PEP 508).
        files: Path below `src` to text.
        tables: Further tables for its `pyproject.toml`.
    """
    module = name.replace("-", "_")
    content = files if files is not None else {f"{module}.py": f"VERSION = '{version}'\n"}
    texts = {f"src/{path}": text for path, text in content.items()} | {"backend/backend.py": BACKEND}
    texts["pyproject.toml"] = (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["backend"]\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {list(requires)!r}\n{tables}'
    )
    for path, text in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder


def git(folder: Path, *arguments: str | Path) -> str:
    """Run git in `folder`, as a user whom the machine's settings do not know."""
    identity = [
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@y",
        "-c",
        "protocol.file.allow=always",
        "-c",
        "init.defaultBranch=main",
    ]
    done = subprocess.run(
        ["git", *identity, *map(str, arguments)], cwd=folder, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "change") -> str:
    """Commit everything in a folder, which becomes a repository if it is none, and give the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
