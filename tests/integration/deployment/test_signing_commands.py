"""The commands of signed publications as people type them, and what they and others load."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.deployment.test_deploy_commands import venvstacks


def test_from_keys_to_a_verified_deployment(old_stack: Path, tmp_path: Path) -> None:
    pytest.importorskip("tuf")
    shutil.copytree(old_stack, tmp_path / "pub", ignore=shutil.ignore_patterns(".trees"))
    code, out, err = venvstacks(
        "keys", "init", "keys", "--publisher", "Pond Ltd", "--keys", "root=2", "--days", "timestamp=7", cwd=tmp_path
    )
    assert (code, err) == (0, "")
    fingerprint = out.partition("fingerprint: ")[2].partition("\n")[0]
    code, out, err = venvstacks("sign", "pub", "--keys", "keys", cwd=tmp_path)
    assert (code, out) == (0, "")
    assert err.startswith("signed: 9 files (version 1), valid until ")
    code, out, _ = venvstacks("deploy", "pub", "--to", "d", "--check", "--trust", fingerprint, cwd=tmp_path)
    assert code == 10
    assert out.startswith(f"signed by Pond Ltd (root 1, {fingerprint})\n")
    code, _, err = venvstacks("deploy", "pub", "--to", "d", "--trust", "keys/roots/1.root.json", cwd=tmp_path)
    assert code == 0
    assert f"signed by Pond Ltd (root 1, {fingerprint}): this deployment trusts nobody else from now on" in err
    assert json.loads(venvstacks("status", "d", "--json", cwd=tmp_path)[1])["trust"]["publisher"] == "Pond Ltd"
    assert f"signed by Pond Ltd (root 1, {fingerprint})\nverified " in venvstacks("status", "d", cwd=tmp_path)[1]
    shutil.rmtree(tmp_path / "pub/__venvstacks__/tuf")
    code, out, err = venvstacks("deploy", "pub", "--to", "d", cwd=tmp_path)
    assert (code, out) == (6, "")
    assert err.startswith(f"error: {tmp_path / 'pub'} lacks signed metadata, which this deployment requires\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["keys", "rotate", "none"], "error: rotate needs --who"),
        (["keys", "renew", "none"], "error: none holds no keys"),
        (["keys", "rotate", "none", "--who", "root", "--key-uri", "hsm:2"], "error: --public-key and --key-uri belong"),
        (["keys", "init", "new", "--public-key", "x", "--key-uri", "hsm:2"], "error: init takes no key that exists"),
        (["keys", "init", "new", "--keys", "frog=1"], "error: 'frog' holds no keys\nhint: one of root"),
        (["keys", "init", "new", "--threshold", "root"], "error: 'root' is not NAME=NUMBER"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str, tmp_path: Path) -> None:
    code, out, err = venvstacks(*arguments, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith(says)


def test_unsigned_sources_are_deployed_without_the_library(old_stack: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from venvstacks.deployment import check, deploy; "
        f"check({str(old_stack)!r}, 'd'); deploy({str(old_stack)!r}, 'd'); print(*sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not {"tuf", "securesystemslib", "cryptography"} & set(answer.stdout.split())
