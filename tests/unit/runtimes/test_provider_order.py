from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

from tests.support.packed_pythons import tools_in, wanted_python
from venvstacks.errors import InterruptedRunError, RuntimeUnavailableError
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.model.specification import ProviderName
from venvstacks.runtimes import providers as prepare
from venvstacks.runtimes.provider_request import PreparedRuntime, Provider, RuntimeRequest, RuntimeTools, SeriesRequest


@dataclass
class Scripted:
    """A provider that serves, or fails with what it is given."""

    name: str
    failure: Exception | None = None
    asked: list[RuntimeRequest] = field(default_factory=list)

    def prepare(self, request: RuntimeRequest, tools: RuntimeTools) -> PreparedRuntime:
        self.asked.append(request)
        if self.failure is not None:
            raise self.failure
        return PreparedRuntime(tools.cache, (), self.name, "1")

    def newest(self, request: SeriesRequest, tools: RuntimeTools) -> PythonImplementation | None:  # noqa: ARG002
        return None if self.failure else PythonImplementation(request.series.name, f"{request.series.version}.9")


def install(monkeypatch: pytest.MonkeyPatch, *providers: Provider) -> None:
    monkeypatch.setattr(prepare, "PROVIDERS", {provider.name: provider for provider in providers})


def test_providers_are_tried_in_the_order_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = Scripted("first", RuntimeUnavailableError("not here"))
    second, third = Scripted("second"), Scripted("third")
    install(monkeypatch, third, second, first)
    assert (
        prepare.prepare_runtime(("first", "second", "third"), wanted_python(), tools_in(tmp_path)).provider == "second"
    )
    assert (len(first.asked), len(second.asked), len(third.asked)) == (1, 1, 0)


def test_one_error_lists_what_each_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(
        monkeypatch,
        Scripted("mine", RuntimeUnavailableError("nothing here", hint="look there", details=("a thing",))),
        Scripted("yours", OSError(28, "No space left on device")),
    )
    with pytest.raises(RuntimeUnavailableError) as caught:
        prepare.prepare_runtime(("mine", "yours"), wanted_python(), tools_in(tmp_path))
    assert (
        caught.value.message == "cpython@3.11.7 for linux_x86_64 is not available from any of the providers mine, yours"
    )
    assert caught.value.details == (
        "mine: nothing here",
        "    a thing",
        "  hint: look there",
        "yours: [Errno 28] No space left on device",
    )
    assert caught.value.hint is not None


def test_an_interrupted_run_tries_no_further_provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    last = Scripted("last")
    install(monkeypatch, Scripted("first", InterruptedRunError()), last)
    with pytest.raises(InterruptedRunError):
        prepare.prepare_runtime(("first", "last"), wanted_python(), tools_in(tmp_path))
    assert last.asked == []


def test_no_provider_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="none was named"):
        prepare.prepare_runtime((), wanted_python(), tools_in(tmp_path))


def test_the_table_knows_each_provider_by_its_name() -> None:
    assert tuple(prepare.PROVIDERS) == get_args(ProviderName)
    assert all(name == provider.name for name, provider in prepare.PROVIDERS.items())


def test_the_first_provider_that_has_a_series_names_its_newest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, Scripted("none", RuntimeUnavailableError("not here")), Scripted("some"), Scripted("other"))
    request = SeriesRequest(PythonImplementation("cpython", "3.12"), PLATFORMS["linux_x86_64"])
    found = prepare.newest_release(("none", "some", "other"), request, tools_in(tmp_path))
    assert found == (PythonImplementation("cpython", "3.12.9"), "some")
    assert prepare.newest_release(("none",), request, tools_in(tmp_path)) is None
