"""How long locking takes: a generated stack of 40 layers for six platforms, over handmade wheels, without a network.

    python -m benchmarks.locking [--layers 40] [--jobs 2]

Prints seconds and processes for: from nothing with uv's cache warm, again with everything renewed, one requirement
changed in the topmost application, and once more with nothing to do (in a process of its own, as a user has it).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.support.handmade_wheels import make_wheel
from venvstacks.api import Options, Request, load_project, run

PACKAGES_PER_LAYER = 8


def write_stack(base: Path, layers: int) -> Path:
    """A runtime, half frameworks in chains of four, half applications on them; each layer with packages of its own."""
    text = ['[[runtimes]]\nname = "py"\npython_implementation = "cpython@3.11.7"\nrequirements = ["p0-0"]\n']
    frameworks = (layers - 1) // 2
    for number in range(layers):
        for part in range(PACKAGES_PER_LAYER):
            deeper = [f"p{number}-{part + 1}"] if part + 1 < PACKAGES_PER_LAYER else []
            tag = "py3-none-any" if part % 2 else "py3-none-" + ".".join(_TAGS)
            make_wheel(base / "wheels", f"p{number}-{part}", "1.0", requires=[*deeper, "p0-0"][: 1 + part % 2], tag=tag)
    for number in range(1, frameworks + 1):
        below = f'frameworks = ["f{number - 1}"]' if number % 4 != 1 else 'runtime = "py"'
        text.append(f'[[frameworks]]\nname = "f{number}"\n{below}\nrequirements = ["p{number}-0", "p0-0"]\n')
    for number in range(frameworks + 1, layers):
        below = f'frameworks = ["f{number - frameworks}"]' if number - frameworks <= frameworks else 'runtime = "py"'
        text.append(
            f'[[applications]]\nname = "a{number}"\n{below}\nlaunch_module = "app.py"\n'
            f'requirements = ["p{number}-0", "p0-0"]\n'
        )
    (base / "app.py").write_text("print('hello')\n")
    (base / "venvstacks.toml").write_text("\n".join(text))
    return base / "venvstacks.toml"


_TAGS = (
    "manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64", "macosx_11_0_x86_64", "win_amd64",
    "win_arm64",
)  # fmt: skip


def measure(spec: Path, what: str, jobs: int, request: Request) -> None:
    """Lock once and print how long it took."""
    options = Options(local_wheels=("wheels",), use_index=False, jobs=jobs)
    began = time.perf_counter()
    report = run(load_project(spec, options), request)
    seconds = time.perf_counter() - began
    for outcome in report.failures:
        raise outcome.error or RuntimeError(outcome.name)
    resolved = sum(bool(outcome.values and outcome.values.get("resolved")) for outcome in report.outcomes)
    print(f"{what:<44} {seconds:7.2f} s  {resolved} layers resolved", flush=True)


_WITHOUT_PROCESSES = """
import sys

def refuse(event, arguments):
    if event in {"subprocess.Popen", "os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.system"}:
        raise RuntimeError(f"{event}: {arguments}")

sys.addaudithook(refuse)
sys.argv[0] = "venvstacks"
from venvstacks.cli import main
main()
"""


def measure_idle(spec: Path, jobs: int) -> None:
    """The whole command with nothing to do; it fails if it starts a process."""
    command = [sys.executable, "-c", _WITHOUT_PROCESSES, "lock", str(spec), "--if-needed", "--local-wheels", "wheels"]
    times = []
    for _ in range(5):
        began = time.perf_counter()
        done = subprocess.run([*command, "--no-index", "--jobs", str(jobs)], check=True, capture_output=True, text=True)
        times.append(time.perf_counter() - began)
    print(f"{'nothing changed, whole command, best of 5':<44} {min(times):7.2f} s  {done.stderr.splitlines()[0]}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = write_stack(Path(folder), chosen.layers)
        needed, renewed = Request(("lock",)), Request(("lock",), renew_locks=True)
        measure(spec, "from nothing, cold", chosen.jobs, needed)
        measure(spec, "everything without pins, warm", chosen.jobs, replace(renewed, upgrade=True))
        measure(spec, "everything with pins, warm", chosen.jobs, renewed)
        spec.write_text(spec.read_text().replace(f'"p{chosen.layers - 1}-0", ', f'"p{chosen.layers - 1}-1", '))
        measure(spec, "one requirement of one application changed", chosen.jobs, needed)
        measure_idle(spec, chosen.jobs)


if __name__ == "__main__":
    main()
