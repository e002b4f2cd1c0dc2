"""A second machine publishes from a store: no Python, no wheel, nothing installed, the same bytes."""

from __future__ import annotations

from pathlib import Path

from tests.support.sharing_machines import Machine, statuses


def test_a_second_machine_installs_nothing(first: Machine, tmp_path: Path) -> None:
    second = first.another(tmp_path)
    planned = second.plan()
    assert {task.name: task.status for task in planned if task.status != "up to date"} == {
        **dict.fromkeys(made(first), "cached"), "manifest:archives": "run",
    }  # fmt: skip
    assert planned.cached_bytes > max(len(content) for content in first.archives.values())
    report = second.run()
    assert statuses(report) == {**dict.fromkeys(made(first), "cached"), "manifest:archives": "done", **locks(first)}
    assert second.archives == first.archives
    assert sorted(path.name for path in (second.base / "_build").iterdir()) == [".venvstacks"]
    assert not (second.base / ".cache").exists()
    assert not (second.base / ".uv").exists()
    assert set(statuses(second.run()).values()) == {"up to date"}


def made(machine: Machine) -> list[str]:
    names = ("py", "framework-base", "app-hello", "app-other")
    return [f"{kind}:{name}" for kind in ("build", "link", "check", "archive") for name in names]


def locks(machine: Machine) -> dict[str, str]:
    return {f"lock:{name}": "up to date" for name in ("py", "framework-base", "app-hello", "app-other")}
