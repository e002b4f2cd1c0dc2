"""What users can cause: a message, a hint, the right exit code, no traceback, nothing half-written that counts."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.sample_stack import BUILT, Pond, error_of, ran
from tests.support.waiting import ended_with_block
from venvstacks.api import Report
from venvstacks.errors import ExitCode

LOCAL = ("--local-wheels", "wheels", "--no-index")


def assert_complains(done: subprocess.CompletedProcess[str], code: ExitCode, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "a defect of this program" not in done.stderr
    for part in ("hint: ", *parts):
        assert part in done.stderr, done.stderr


@pytest.fixture
def built(published_pond: Pond, tmp_path: Path) -> Pond:
    shutil.copytree(published_pond.base, tmp_path / "built", symlinks=True)
    return Pond(tmp_path / "built", published_pond.cache, published_pond.uv_cache)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"[[runtimes]\n", ("venvstacks.toml:1", "not valid TOML")),
        (b"name = \xff\n", ("not UTF-8",)),
    ],
)
def test_a_specification_that_is_no_toml(pond: Pond, content: bytes, parts: tuple[str, ...]) -> None:
    pond.spec.write_bytes(content)
    done = pond.command("build", "venvstacks.toml")
    assert done.returncode == ExitCode.SPECIFICATION
    assert "Traceback" not in done.stderr
    assert all(part in done.stderr for part in parts), done.stderr


def test_a_folder_in_place_of_a_specification(pond: Pond) -> None:
    done = pond.command("build", ".")
    assert done.returncode == ExitCode.SPECIFICATION
    assert "this is a folder" in done.stderr


def test_a_python_that_is_not_installed(pond: Pond) -> None:
    pond.edit("cpython@3.11.7", "cpython@3.11.99")
    done = pond.command("build", "venvstacks.toml", "--lock", *LOCAL)
    assert_complains(done, ExitCode.BUILDING, "3.11.99", "host: ")
    assert not (pond.base / "_build/py").exists()


def test_a_mirror_with_wrong_bytes(pond: Pond) -> None:
    class Wrong(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"frog")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        done = pond.command(
            "build", "venvstacks.toml", "--runtime-provider", "standalone", *LOCAL,
            PBS_INSTALLER_BASE_URL=address, NO_PROXY="127.0.0.1", VENVSTACKS_CACHE=str(pond.base / "cache of its own"),
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    assert_complains(done, ExitCode.BUILDING, "standalone: ")
    assert not (pond.base / "_build/py").exists()


def test_a_requirement_that_nobody_can_fulfil(pond: Pond) -> None:
    pond.edit('["lily"]', '["lily>7"]')
    lock = pond.base / "requirements/framework-lily/pylock.framework-lily.toml"
    before = lock.read_bytes()
    done = pond.command("lock", "venvstacks.toml", *LOCAL)
    assert done.returncode == ExitCode.LOCKING
    assert "lily>7" in done.stderr
    assert "Traceback" not in done.stderr
    assert lock.read_bytes() == before


def test_layers_that_contradict_each_other(pond: Pond) -> None:
    pond.edit('["newt", "lily"]', '["newt", "pond==2.0"]')
    done = pond.command("lock", "venvstacks.toml", *LOCAL)
    assert done.returncode == ExitCode.LOCKING
    assert "pond" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lock_that_does_not_fit_any_more(built: Pond) -> None:
    built.edit('requirements = ["lily"]', "requirements = []")
    assert_complains(built.command("build", "venvstacks.toml", "--no-lock-if-needed", *LOCAL), ExitCode.LOCKING, "lily")


def test_damaged_lock_metadata_is_written_again(built: Pond) -> None:
    place = built.base / "requirements/framework-lily/pylock.framework-lily.meta.json"
    before = place.read_bytes()
    place.write_bytes(before[:40])
    assert "lock:framework-lily" in ran(built.run("lock", "build"))
    assert b'"lock_version": 1' in place.read_bytes()


@pytest.mark.parametrize(("kind", "task"), [("build", "link"), ("link", "archive"), ("provided", "link")])
def test_a_damaged_record_stops_one_run_only(built: Pond, kind: str, task: str) -> None:
    before = {name: (built.base / f"_artifacts/{name}.tar.zst").read_bytes() for name in BUILT}
    place = built.base / f"_build/.venvstacks/{kind}/framework-frog.json"
    place.write_bytes(place.read_bytes()[:-9])
    first = built.run("build", "publish", keep_going=True)
    assert any(outcome.name.startswith(f"{task}:") for outcome in first.failures)
    ran(built.run("build", "publish"))
    assert {name: (built.base / f"_artifacts/{name}.tar.zst").read_bytes() for name in BUILT} == before


def test_an_environment_that_was_tampered_with_is_not_published(built: Pond) -> None:
    place = built.base / "_build/app-newt/lib/python3.11/site-packages/legs.py"
    place.write_bytes(place.read_bytes().replace(b"newt", b"toad"))
    before = (built.base / "_artifacts/app-newt.tar.zst").read_bytes()
    report = built.run("publish", force=True, keep_going=True)
    assert report.exit_code == ExitCode.PUBLISHING
    assert "was changed after its build" in error_of(report, "archive:app-newt")
    assert (built.base / "_artifacts/app-newt.tar.zst").read_bytes() == before


def test_an_output_folder_below_a_file(built: Pond) -> None:
    (built.base / "file").write_text("🐸", "utf-8")
    for command in ("publish", "local-export"):
        done = built.command(command, "venvstacks.toml", "--output-dir", "file/out")
        assert_complains(done, ExitCode.PUBLISHING, "file/out")


def test_a_full_disk_while_archiving(built: Pond) -> None:
    (built.base / "small").mkdir()
    inside = 'mount -t tmpfs -o size=1m tmpfs "$0" && shift 0 && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", inside, built.base / "small"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    command = [sys.executable, "-m", "venvstacks", "publish", "venvstacks.toml", "--output-dir", "small/out"]
    listed = "ls -A small/out small/out/__venvstacks__/env_metadata 2>/dev/null; true"
    script = f'"$@"; code=$?; {listed}; exit $code'
    done = subprocess.run(
        [*prefix, "sh", "-c", script, "sh", *command], cwd=built.base, env=built.environment, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert_complains(done, ExitCode.PUBLISHING, "No space left on device")
    assert "py.tar.zst" not in done.stdout
    assert "py.json" not in done.stdout
    assert ".part" not in done.stdout


def test_a_module_that_hides_behind_the_standard_library(pond: Pond) -> None:
    (pond.base / "launch/json.py").write_text("print('never')\n", "utf-8")
    pond.edit('launch_module = "launch/plain.py"', 'launch_module = "launch/json.py"')
    report = pond.run("build", keep_going=True)
    assert report.exit_code == ExitCode.BUILDING
    assert "rename the module" in error_of(report, "check:app-plain")


def test_a_module_called_like_a_package_of_its_layer(pond: Pond) -> None:
    shutil.copytree(pond.base / "launch/hop", pond.base / "launch/newt")
    pond.edit('"launch/hop"', '"launch/newt"')
    report = pond.run("build", keep_going=True)
    assert "newt.abi3.so" in error_of(report, "build:app-newt")


def test_a_package_that_cannot_be_launched_is_built_with_a_warning(pond: Pond) -> None:
    (pond.base / "launch/hop/__main__.py").unlink()
    assert "build:app-newt" in ran(pond.run("build"))
    (warning,) = pond.project().stack.warnings
    assert "'launch/hop' has no __main__.py" in warning


def test_a_package_that_this_machine_cannot_import_at_all_is_a_warning(pond: Pond) -> None:
    code = {"bog.py": b"import os, sys\nprint('loud', flush=True)\nos._exit(0)\n"}
    make_wheel(pond.base / "wheels", "bog", "1.0", files=code)
    make_wheel(pond.base / "wheels", "mud", "1.0", files={"mud/__init__.py": b"raise RuntimeError('too wet')\n"})
    pond.edit('runtime = "py"\nrequirements = ["lily"]', 'runtime = "py"\nrequirements = ["mud", "lily"]')
    warnings = warnings_of(pond.run("lock", "build"), "check:framework-lily")
    assert len(warnings) == 1
    assert "mud: RuntimeError: too wet (in one flat environment, too" in warnings[0]
    pond.edit('["mud", "lily"]', '["bog", "lily"]')
    assert "bog: ended the process" in warnings_of(pond.run("lock", "build"), "check:framework-lily")[0]
    assert "check:framework-lily" not in ran(pond.run("build", options={"check_imports": False}))


def test_a_package_that_layering_breaks_is_an_error(pond: Pond) -> None:
    """Both bring `shared`, and the upper one hides the lower one's part; in one environment both can be imported."""
    parts = {"a": b"", "b": b""}
    for name in parts:
        files = {"shared/__init__.py": b"", f"shared/{name}.py": b""}
        make_wheel(pond.base / "wheels", f"part-{name}", "1.0", files=files)
    pond.edit('runtime = "py"\nrequirements = ["lily"]', 'runtime = "py"\nrequirements = ["part-a", "lily"]')
    pond.edit('requirements = ["newt", "lily"]', 'requirements = ["newt", "lily", "part-a", "part-b"]')
    report = pond.run("lock", "build", "publish", keep_going=True)
    if "check:app-newt" in {outcome.name for outcome in report.failures}:  # linking may fill the package
        assert "part-a: shared.a: ModuleNotFoundError" in error_of(report, "check:app-newt")
        assert {outcome.name: outcome.status for outcome in report.outcomes}["manifest:archives"] == "blocked"


def warnings_of(report: Report, task: str) -> list[str]:
    assert not report.failures, [str(outcome.error) for outcome in report.failures]
    return next(list((outcome.values or {})["warnings"]) for outcome in report.outcomes if outcome.name == task)


def wait_for_the_run(child: subprocess.Popen[str], journals: Path) -> None:
    """Let the interpreter start, however busy the machine is: before a run begins, a signal has nothing to stop."""
    before = set(journals.glob("*"))
    deadline = time.monotonic() + 120
    while child.poll() is None and set(journals.glob("*")) == before and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("seconds", [0.1, 0.5])
def test_a_run_that_is_stopped_anywhere_is_finished_by_the_next(
    published_pond: Pond, tmp_path: Path, signum: signal.Signals, seconds: float
) -> None:
    pond = published_pond.copy(tmp_path / "stopped")
    command = [sys.executable, "-m", "venvstacks", "build", "venvstacks.toml", "--publish", *LOCAL]
    child = subprocess.Popen(
        command, cwd=pond.base, env=pond.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with ended_with_block(child):
        wait_for_the_run(child, pond.base / "_build/.venvstacks/runs")
        time.sleep(seconds)
        child.send_signal(signum)
        _, said = child.communicate(timeout=120)
    assert child.returncode in {ExitCode.DONE, 128 + signum, -signal.SIGKILL}, said
    assert "Traceback" not in said
    ran(pond.run("lock", "build", "publish"))
    for name in BUILT:
        same = published_pond.base / f"_artifacts/{name}.tar.zst"
        assert (pond.base / f"_artifacts/{name}.tar.zst").read_bytes() == same.read_bytes()
    staging = pond.base / "_build/.venvstacks/staging"
    assert list(staging.iterdir()) == []
