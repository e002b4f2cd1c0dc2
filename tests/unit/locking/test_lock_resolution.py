from __future__ import annotations

import pytest

from venvstacks.locking.uv_resolution import UnusableLockError, read_resolution

HASHES = 'hashes = { sha256 = "00" }'


def lock(*packages: str) -> str:
    return "\n".join(['lock-version = "1.0"', *(f"[[packages]]\n{package}" for package in packages)])


def test_packages_are_normalised_and_sorted_and_urls_lose_credentials() -> None:
    text = lock(
        f'name = "Zeta"\nversion = "1"\nwheels = [{{ url = "https://u:p@host/z.whl#x=1", size = 7, {HASHES} }}]',
        f'name = "al.pha"\nversion = "2"\nwheels = [{{ url = "file:///spec/a%20b/a.whl", {HASHES} }}]',
    )
    alpha, zeta = read_resolution(text, "/spec/requirements/env")
    assert (alpha.name, alpha.wheels[0].location, alpha.wheels[0].is_path) == ("al-pha", "../../a b/a.whl", True)
    assert (zeta.name, zeta.wheels[0].location, zeta.wheels[0].size) == ("zeta", "https://host/z.whl", 7)


def test_drive_letters_are_folders() -> None:
    text = lock(f'name = "a"\nversion = "2"\nwheels = [{{ url = "file:///C:/spec/w/a.whl", {HASHES} }}]')
    assert read_resolution(text, "C:/spec/requirements/env")[0].wheels[0].location == "../../w/a.whl"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lock-version = ", "not valid TOML"),
        (f"x = {'9' * 5000}", "too many digits .line 1."),
        (f"x = {'[' * 3000}", "nested too deeply"),
        ('lock-version = "2.0"', "lock-version"),
        ('lock-version = "1.0"\npackages = 1', "array of tables"),
        (lock('name = "a"\nversion = "1"'), "without a wheel"),
        (lock('name = "a"\nversion = "1"\nwheels = [{ url = "https://h/a.whl" }]'), "no hash"),
        (lock(f'name = "a"\nversion = "1"\nwheels = [{{ {HASHES} }}]'), "no URL"),
        (lock(f'version = "1"\nwheels = [{{ url = "u", {HASHES} }}]'), "incomplete"),
    ],
)
def test_unusable_results_say_why(text: str, message: str) -> None:
    with pytest.raises(UnusableLockError, match=message):
        read_resolution(text, "/")
