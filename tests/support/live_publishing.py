"""A stack that is published again and again, by processes that are killed, while others read and deploy it.

python -m tests.support.live_publishing FOLDER FIRST LAST    publish states FIRST to LAST, one after another
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import published_layers
from tests.support.installed_applications import printed
from tests.support.locked_layers import framework, runtime
from tests.support.published_layers import write_tree
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.manifests import publish_manifest
from venvstacks.actions.publishing.publish import ArchiveOptions, archive_layer
from venvstacks.actions.toolset import Tools
from venvstacks.api import deployments as deployment
from venvstacks.deployment.steps.publication_source import Source
from venvstacks.deployment.steps.published_offer import read_offer
from venvstacks.digests import scan_tree
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.source_trees import SourceTree
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.tree_records import BuildRecord, LinkRecord, RuntimeRecord, SourceHash
from venvstacks.tools.files import write_atomically

ROOT = Path(__file__).parents[2]
LINUX = PLATFORMS["linux_x86_64"]
LAYOUT = StackLayout()
BASE = runtime("py")
POND = framework("pond", ["pond"], BASE)
LAUNCH = SourceTree("hop.py", is_package=False, files=("",))
APP = framework("hop", [], POND, BASE, kind="application", launch=LAUNCH)
LAYERS = (BASE, POND, APP)
_SIZE = 20_000  # bytes of each layer that do not compress


def _content(env_name: str, text: str) -> published_layers.Published:
    """The files of a layer that can be deployed; its application prints the texts of all three."""
    if env_name == BASE.env_name:
        return published_layers.runtime(text=text)
    if env_name == POND.env_name:
        return published_layers.framework("pond", text=text)
    return published_layers.application("hop", uses=("pond",), text=text)


def link(base: Path, state: int) -> None:
    """Make all layers look linked, each with content of its own for this state."""
    for layer in LAYERS:
        environment = base / LAYOUT.environment(layer)
        content = random.Random(f"{layer.env_name} {state}").randbytes(_SIZE)
        write_tree(_content(layer.env_name, str(state)), environment)
        write_atomically(environment / "state", f"{state}\n")
        write_atomically(environment / "content", content)
        modules = [SourceHash(name=source.module, hash=f"sha256:{'c' * 64}") for source in layer.sources]
        built = BuildRecord(env_name=layer.env_name, entries=(), launch_module=modules[0] if modules else None)
        record = LinkRecord.of(built, layer.env_name, scan_tree(environment))
        write_atomically(base / LAYOUT.record("link", layer), record.text())
        hashes = ("requirements_hash", "lock_input_hash", "other_inputs_hash", "version_inputs_hash")
        lock = dict.fromkeys(hashes, f"sha256:{'a' * 64}")
        lock |= {"lock_version": 1, "locked_at": "2025-10-20T12:00:00+00:00"}  # type: ignore[dict-item]
        write_atomically(base / LAYOUT.lock_metadata(layer), json.dumps(lock))
    supplied = RuntimeRecord(python="cpython@3.11.7", provider="host", build="3.11.7", digest="d" * 64)
    write_atomically(base / LAYOUT.record("runtime", BASE), supplied.text())


def publish(base: Path, state: int) -> None:
    """Publish a state of all layers, as the tasks of a run do."""
    link(base, state)
    tools = Tools({}, base / "cache")
    places = []
    for layer in LAYERS:
        published = PublishedLayer(layer, LINUX, LAYOUT, base, {"zstandard": "1"})
        archive_layer(published, ArchiveOptions("tar.zst", level=1), tools)
        places.append(base / LAYOUT.published_metadata(LAYOUT.artifacts, layer, None))
    publish_manifest(places, base / LAYOUT.stack_manifest(LAYOUT.artifacts, None), tools.now())


def read_once(source: Source, folder: Path) -> str:
    """Read everything that is published, as deploying does; the one state of all layers.

    Raises:
        DeployError: A file is missing, or is not what the manifest says.
        AssertionError: The layers are of several states.
    """
    offer = read_offer(source, LINUX)
    states = set()
    for layer in offer.layers.values():
        source.obtain(layer.archive, folder)
        listed = FileManifest.unpack(source.read(layer.files)).entries()
        states.add(next(entry.sha256 for entry in listed if entry.path == "state"))
    assert len(states) == 1, "the layers are of several states"
    return states.pop()


@dataclass
class Readings:
    """What readers have seen.

    Attributes:
        count: How many times everything was read.
        states: The states that were seen.
        faults: What was wrong.
    """

    count: int = 0
    states: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def reading(source: Source) -> Callable[[], str]:
    """Work for `again_and_again`: read everything that a source has; the digest of its state."""

    def read() -> str:
        with tempfile.TemporaryDirectory() as folder:
            return read_once(source, Path(folder))

    return read


def deploying(source: str, folder: Path) -> Callable[[], str]:
    """Work for `again_and_again`: deploy what is published and start the application; the state that it prints."""

    def deploy_and_start() -> str:
        deployment.deploy(source, folder)
        states = set(printed(folder, "hop").split())
        assert len(states) == 1, f"the layers that were deployed are of several states: {states}"
        return states.pop()

    return deploy_and_start


@contextmanager
def again_and_again(*works: Callable[[], str]) -> Iterator[Readings]:
    """Do each of these works again and again, in a thread of its own, while the block runs."""
    readings, over = Readings(), threading.Event()

    def repeat(work: Callable[[], str]) -> None:
        while not over.is_set():
            try:
                readings.states.add(work())
            except Exception as error:  # noqa: BLE001 - whatever it is, a reader must not meet it
                readings.faults.append(f"{work.__qualname__}: {type(error).__name__}: {error}")
            readings.count += 1
            over.wait(0.05)

    threads = [threading.Thread(target=repeat, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield readings
    finally:
        over.set()
        for thread in threads:
            thread.join()


def publish_and_kill(base: Path, states: int, draw: random.Random, seconds: float, first: int = 1) -> int:
    """Publish states up to `states` in processes that get signals at moments drawn from `seconds`.

    Returns:
        How many processes a signal has ended.
    """
    signals, done = 0, first - 1
    while done < states:
        command = [sys.executable, "-m", "tests.support.live_publishing", str(base), str(done + 1), str(states)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()  # it is about to begin
            timer = threading.Timer(draw.uniform(0, seconds), _signal(child, draw))
            timer.start()
            printed = child.stdout.read().split()
            timer.cancel()
        signals += child.returncode != 0
        done = int(printed[-1]) if printed else done
    return signals


def _signal(child: subprocess.Popen[str], draw: random.Random) -> Callable[[], None]:
    number = draw.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
    return lambda: child.send_signal(number)


def main(base: str, first: str, last: str) -> None:
    """Publish; each state that is complete is printed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have background processes ignore it
    sys.stdout.write("\n")
    sys.stdout.flush()
    for state in range(int(first), int(last) + 1):
        publish(Path(base), state)
        sys.stdout.write(f"{state}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
