"""Bills of materials in the eyes of a validator that has nothing to do with the library that writes them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.bill_validator import faults_of_bills, needs_validator
from tests.support.looked_stacks import layer, package, small_stack, stack
from venvstacks.insight.bill_of_materials import BillOfMaterials
from venvstacks.insight.contents import StackContents
from venvstacks.records.package_lists import BundledPart, LicenceFacts

pytestmark = needs_validator

GOLDEN = Path(__file__).parents[2] / "golden/look/sbom.json"


def accelerated_stack() -> StackContents:
    """A stack as those with CUDA are: proprietary licences, local versions, bundled libraries, odd metadata."""
    nvidia = LicenceFacts(text="LicenseRef-NVIDIA-Proprietary\nsee https://example.org/licence <all rights reserved>")
    classified = LicenceFacts(classifiers=("License :: Other/Proprietary License",))
    libraries = {f"nvidia/cublas/lib/{name}": 400_000_000 for name in ("libcublas.so.12", "libcublasLt.so.12")}
    parts = (
        BundledPart(name="gomp", version="1.2-a34b3233", purl="pkg:rpm/almalinux/libgomp@8.5.0-22.el8?arch=x86_64"),
        BundledPart(name="ünïcode", version="", purl="", licence="GPL-3.0-or-later WITH GCC-exception-3.1"),
    )
    return stack(
        layer("py", package("pip", "25.0", purl="")),
        layer(
            "framework-torch",
            package("nvidia-cublas-cu12", "12.4.5.8", files=libraries, licence=nvidia, homepage="not an address"),
            package("torch", "2.6.0+cu124", "nvidia-cublas-cu12", bundled=parts, author="a <a@b>, c <c@d>"),
            package("triton", "3.2.0", licence=classified, homepage="https://example.org/a b|c"),
            package("nothing", "0", licence=LicenceFacts(), author="", homepage=""),
            package("both", "1.0", licence=LicenceFacts(expression="MIT OR (Apache-2.0 AND LicenseRef-x)")),
            sizes=libraries,
            declared=("torch",),
        ),
        layer("app-chat", package("chat", "1!2.0.post1"), lower=("framework-torch", "py")),
    )


def test_an_independent_validator_accepts_all_bills(tmp_path: Path) -> None:
    found = accelerated_stack()
    bills = {
        "golden": GOLDEN.read_text("utf-8"),
        "small": BillOfMaterials(small_stack(), "all", small_stack().layers).text(),
        "all": BillOfMaterials(found, "all", found.layers).text(),
        "chat": BillOfMaterials(found, "app-chat", found.application_layers("chat")).text(),
    }
    for name, text in bills.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert faults_of_bills(*(tmp_path / name for name in bills)) == []


def test_that_validator_finds_faults(tmp_path: Path) -> None:
    bill = json.loads(GOLDEN.read_text("utf-8"))
    bill["components"][0]["purpose"] = "nonsense"
    (tmp_path / "bill").write_text(json.dumps(bill), "utf-8")
    assert len(faults_of_bills(tmp_path / "bill")) == 1
