"""Files of every format that the product reads, damaged at random, and the command that reads each of them.

A format is a row of `FORMATS`: which sample it belongs to, which files of that sample are of this format, and the
command line that reads them. A sample is made once; every trial damages one file in a copy of it, runs the command,
and puts the sound file back. What a trial ends in is judged by `fault_in`: whatever a file holds, people get an answer
in bounded time, and no traceback.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import offline_stacks
from tests.support.published_layers import application, framework, publish, runtime
from venvstacks.cli.error_boundary import run_command_line
from venvstacks.digests import sha256_bytes
from venvstacks.errors import ExitCode

TRIAL_SECONDS = 20
"""More than any command takes for any of these files on a busy machine."""

_CODES = {int(code) for code in ExitCode}
_TOKENS = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[31m", b"nan", b"-inf", b"1e999", b"9" * 5000, b"[" * 3000, b"{" * 3000,
    b'{"a":' * 3000, b"../" * 40, b"/etc/passwd", b"C:\\", b"\xed\xa0\x80", b'"""', b"''", b"=", b"\r", b"\n", b"null",
    b"true", b"-1", b"18446744073709551616", "\u202e".encode(), b"a" * 5000, b"https://me:s3cret@host/x?t=s3cret",
    b"1979-05-27T07:32:00Z", b"*" * 60, b"; python_version < '3'", b"@ file:///x", b"-r ", b"\\",
)  # fmt: skip


def mutate(data: bytes, chance: random.Random) -> bytes:
    """`data` with one to four damages: bits, pieces gone, doubled, exchanged or put in, or the end missing."""
    content = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        begin = chance.randrange(len(content) + 1)
        end = min(len(content), begin + chance.choice((1, 1, 2, 8, 60, 1000)))
        kind = chance.randrange(7)
        if kind == 0 and begin < len(content):
            content[begin] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del content[begin:end]
        elif kind == 2:
            content[begin:begin] = content[begin:end] * chance.choice((1, 2, 50))
        elif kind in {3, 4}:
            content[begin : end if kind == 4 else begin] = chance.choice(_TOKENS)
        elif kind == 5:
            _exchange_words(content, chance)
        else:
            del content[begin:]
    return bytes(content)


def _exchange_words(content: bytearray, chance: random.Random) -> None:
    """Put one word or value in the place of another: the form stays sound more often."""
    words = [match.span() for match in re.finditer(rb'"[^"\n]*"|[\w.-]+', bytes(content[:200_000]))]
    if words:
        begin, end = chance.choice(words)
        first, last = chance.choice(words)
        content[begin:end] = content[first:last] if chance.random() < 0.6 else chance.choice(_TOKENS)


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        name: What it is called in results.
        sample: Name of the sample that it belongs to.
        files: Its files in the sample, as a pattern.
        command: The command line that reads it; `{sample}` is the sample's folder, `{new}` a folder that is missing.
        packed: Whether the damage is done within gzip data.
        signed: Whether the manifest of a publication holds the file's digest, which is then corrected.
    """

    name: str
    sample: str
    files: str
    command: tuple[str, ...]
    packed: bool = False
    signed: bool = False


_PLAN = ("plan", "{sample}/venvstacks.toml", "--no-index", "--local-wheels", "wheels")
_VERIFY = ("status", "{sample}", "--verify")
_DEPLOY = ("deploy", "{sample}", "--to", "{new}")
FORMATS = (
    Format("specification", "stack", "venvstacks.toml", ("show", "{sample}/venvstacks.toml")),
    Format("specification, planned", "stack", "venvstacks.toml", _PLAN),
    Format("pyproject", "stack", "pyproject.toml", _PLAN),
    Format("requirements", "stack", "requirements.txt", _PLAN),
    Format("uv.lock", "stack", "uv.lock", _PLAN),
    Format("pylock of others", "stack", "pylock.other.toml", _PLAN),
    Format("layer lock", "stack", "requirements/*/pylock.*.toml", _PLAN),
    Format("lock metadata", "stack", "requirements/*/*.meta.json", _PLAN),
    Format("gitignore", "stack", ".gitignore", ("show", "{sample}/venvstacks.toml")),
    Format("task state", "stack", "_build/.venvstacks/state.db", _PLAN),
    Format("tree records", "stack", "_build/.venvstacks/*/*.json", _PLAN),
    Format("event log", "stack", "_build/.venvstacks/runs/*.jsonl", ("why", "{sample}/venvstacks.toml", "lock:py")),
    Format("manifest", "publication", "__venvstacks__/venvstacks.json", _DEPLOY),
    Format("list of files", "publication", "*.files.json.gz", _DEPLOY),
    Format("list of files, within", "publication", "*.files.json.gz", _DEPLOY, packed=True, signed=True),
    Format("archive", "publication", "*.tar.zst", _DEPLOY, signed=True),
    Format("generation", "deployment", "generations/*/state.json", _VERIFY),
    Format("instance record", "deployment", "store/*/instance.json", _VERIFY),
    Format("installed list", "deployment", "store/*/files.json.gz", _VERIFY),
    Format("deployment marker", "deployment", "venvstacks-deployment.json", ("status", "{sample}")),
    Format("layer configuration", "deployment", "store/*/app-frog/share/venv/metadata/*", _VERIFY),
)  # fmt: skip

_SPECIFICATION_TAIL = """
[[applications]]
name = "frog"
runtime = "py"
requirements = []
launch_module = "hello.py"
requirements-from = [{ pyproject = "pyproject.toml", groups = ["all"] }, { requirements = "requirements.txt" }]
constraints-from = [{ lock = "uv.lock" }, { lock = "pylock.other.toml" }]
"""
_OTHER_FILES = {
    "pyproject.toml": (
        '[project]\nname = "pool"\nversion = "1.0"\nrequires-python = ">=3.9"\ndependencies = ["alpha>=1; '
        "python_version >= '3.9'\"]\n\n[project.optional-dependencies]\nmore = ['alpha']\n\n[dependency-groups]\n"
        "test = ['alpha']\nall = [{ include-group = 'test' }]\n\n[tool.uv]\nno-binary = false\n"
    ),
    "requirements.txt": "# what a pond needs\nalpha==1.0 \\\n    ; python_version > '3'\n-c constraints.txt\n",
    "constraints.txt": "alpha<2\n",
    "uv.lock": (
        'version = 1\nrequires-python = ">=3.9"\n\n[[package]]\nname = "alpha"\nversion = "1.0"\n'
        'source = { registry = "https://index.example/simple" }\nwheels = [\n'
        f'    {{ url = "https://index.example/alpha-1.0-py3-none-any.whl", hash = "sha256:{"0" * 64}", size = 1 }}\n]\n'
    ),
    "pylock.other.toml": (
        'lock-version = "1.0"\ncreated-by = "another"\nrequires-python = ">=3.9"\n\n[[packages]]\nname = "alpha"\n'
        'version = "1.0"\nwheels = [{ name = "alpha-1.0-py3-none-any.whl", url = "https://index.example/alpha.whl", '
        f'hashes = {{ sha256 = "{"0" * 64}" }} }}]\n'
    ),
    ".gitignore": "*.pyc\n/_build/\n!keep/**/x\n[a-z]?.txt\n",
}


def make_sample(name: str, folder: Path) -> None:
    """Make the sample `stack`, `publication` or `deployment` in a folder.

    Raises:
        RuntimeError: A command that makes it failed.
    """
    if name == "stack":
        spec = offline_stacks.write_stack(folder)
        spec.write_text(spec.read_text("utf-8") + _SPECIFICATION_TAIL, "utf-8")
        for path, text in _OTHER_FILES.items():
            (folder / path).write_text(text, "utf-8")
        local = ("--no-index", "--local-wheels", "wheels")
        done = offline_stacks.run("venvstacks", "build", spec.name, "--lock", *local, cwd=folder)
    else:
        published = folder if name == "publication" else folder.with_name(f"{folder.name}-published")
        publish(published, [runtime(), framework("pond"), application("frog", uses=("pond",))])
        shutil.rmtree(published / ".trees")
        if name == "publication":
            return
        done = offline_stacks.run("venvstacks", "deploy", published, "--to", folder, cwd=published)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: Exit code.
        output: Everything that it printed.
        seconds: How long it took.
    """

    code: int
    output: str
    seconds: float


def fault_in(ending: Ending) -> str | None:
    """What is wrong with the end of a command that read a damaged file, or None."""
    if ending.code not in _CODES:
        return f"exit code {ending.code}"
    for sign in ("Traceback \\(most recent", "a defect of this program", r"://\S*s3cret", "\x1b"):
        if re.search(sign, ending.output):
            return f"{sign!r} in its output"
    if ending.seconds > TRIAL_SECONDS:
        return f"it took {ending.seconds:.0f} s"
    if ending.code and not ending.output.strip():
        return "no word about what is wrong"
    return None


class _TooLongError(BaseException):
    """Not an `Exception`: nobody between here and the command may take it for an answer."""


def run_here(arguments: list[str]) -> Ending:
    """Run a command line in this process; to be called in its main thread."""
    said = io.StringIO()
    begun = time.monotonic()

    def late(*_: object) -> None:
        raise _TooLongError

    previous = signal.signal(signal.SIGALRM, late)
    signal.alarm(2 * TRIAL_SECONDS)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = run_command_line(arguments)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except _TooLongError:
        code = 0
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    return Ending(code, said.getvalue(), time.monotonic() - begun)


def run_apart(arguments: list[str], folder: Path, memory: int = 2 << 30) -> Ending:
    """Run a command line as a process of its own, which may take so many bytes of memory."""
    begun = time.monotonic()
    code = "import resource as r, runpy, sys; r.setrlimit(r.RLIMIT_DATA, (int(sys.argv[1]),) * 2); del sys.argv[:2]"
    start = f"{code}; sys.argv.insert(0, 'venvstacks'); runpy.run_module('venvstacks', run_name='__main__')"
    try:
        done = subprocess.run(
            [sys.executable, "-c", start, str(memory), *arguments], cwd=folder, capture_output=True, text=True,
            errors="replace", timeout=2 * TRIAL_SECONDS, check=False, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ending(0, "", time.monotonic() - begun)
    return Ending(done.returncode, done.stdout + done.stderr, time.monotonic() - begun)


@dataclass
class Samples:
    """The samples, each made when it is first needed.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    def of(self, kind: Format) -> Path:
        """The folder of a format's sample."""
        place = self.folder / kind.sample
        if not place.exists():
            make_sample(kind.sample, place)
        return place

    def trial(self, kind: Format, seed: int, run: Callable[[list[str]], Ending] = run_here) -> str | None:
        """Damage one file of a format and run its command; returns what is wrong with the answer, or None."""
        chance = random.Random(f"{kind.name} {seed}")
        sample = self.of(kind)
        files = sorted(path for path in sample.glob(kind.files) if path.is_file())
        path = chance.choice(files)
        new = self.folder / "new"
        command = [part.format(sample=sample, new=new) for part in kind.command]
        with self._damaged(kind, path, chance, sample):
            ending = run(command)
        _remove(new)
        fault = fault_in(ending)
        return fault and f"{kind.name}, seed {seed}, {path.name}: {fault}\n{ending.output[-1500:]}"

    @contextlib.contextmanager
    def _damaged(self, kind: Format, path: Path, chance: random.Random, sample: Path) -> Iterator[None]:
        kept = {place: place.read_bytes() for place in {path, *sample.glob("__venvstacks__/*.json")}}
        times = path.stat()
        sound = kept[path]
        bad = mutate(gzip.decompress(sound), chance) if kind.packed else mutate(sound, chance)
        bad = gzip.compress(bad, 1) if kind.packed else bad
        path.chmod(0o644)
        path.write_bytes(bad)
        if kind.signed:
            _correct_digest(sample, path.name, bad)
        try:
            yield
        finally:
            for place, content in kept.items():
                place.write_bytes(content)
            path.chmod(times.st_mode)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _correct_digest(sample: Path, name: str, content: bytes) -> None:
    """Let the manifest of a publication vouch for a file as it is."""
    place = sample / "__venvstacks__/venvstacks.json"
    manifest = json.loads(place.read_text("utf-8"))
    for entries in manifest["layers"].values():
        for entry in entries:
            if entry["archive_name"] == name:
                entry |= {"archive_size": len(content), "archive_hashes": {"sha256": sha256_bytes(content)}}
            if entry["venvstacks"]["file_manifest"]["name"] == name:
                entry["venvstacks"]["file_manifest"] |= {"size": len(content), "sha256": sha256_bytes(content)}
    place.write_text(json.dumps(manifest), "utf-8")


def _remove(folder: Path) -> None:
    if folder.exists():
        for place in folder.rglob("*"):
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o755)
        shutil.rmtree(folder)
