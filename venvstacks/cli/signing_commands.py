"""The commands `keys` and `sign`: keys of a publisher, and signatures of a publication."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from venvstacks.cli.printable import print_message, print_result
from venvstacks.cli.verbosity import Verbosity
from venvstacks.errors import ExitCode, UsageError
from venvstacks.trust.signed_roles import HOLDERS, Holder

if TYPE_CHECKING:
    from venvstacks.api.signing import KeyElsewhere

KeyDirs = Annotated[
    list[Path] | None,
    typer.Option("--key-dir", metavar="DIR", help="Another folder with private keys, such as a drive; repeatable."),
]
PublicKey = Annotated[
    Path | None,
    typer.Option("--public-key", metavar="FILE", help="rotate: the new key, if it exists already: PEM."),
]
KeyUri = Annotated[
    str | None,
    typer.Option("--key-uri", metavar="URI", help="rotate: where its private key is: hsm:, awskms:, file2:NAME."),
]

_OPENS_KEYS = "VENVSTACKS_KEY_SECRET"


class Action(StrEnum):
    """What is done with keys."""

    INIT = "init"
    ROTATE = "rotate"
    RENEW = "renew"


def keys(
    context: typer.Context,
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="init, rotate or renew.")],
    folder: Annotated[Path, typer.Argument(metavar="KEYS", help="Folder of the keys.")],
    *,
    publisher: Annotated[
        str | None, typer.Option("--publisher", metavar="NAME", help="init: name that is shown to those who deploy.")
    ] = None,
    count: Annotated[
        list[str] | None, typer.Option("--keys", metavar="WHO=N", help="init: how many keys; 1 each by default.")
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option("--threshold", metavar="WHO=N", help="init: how many of them have to sign; 1 by default."),
    ] = None,
    days: Annotated[
        list[str] | None,
        typer.Option("--days", metavar="ROLE=N", help="init: how long signatures are valid, e.g. timestamp=7."),
    ] = None,
    who: Annotated[
        str | None, typer.Option("--who", metavar="WHO", help="rotate: root, targets or online gets a new key.")
    ] = None,
    retire: Annotated[
        list[str] | None,
        typer.Option(
            "--retire",
            metavar="FILE",
            help="rotate: a key that is not trusted any more, by its file or URI. [default: oldest]",
        ),
    ] = None,
    public_key: PublicKey = None,
    key_uri: KeyUri = None,
    key_dirs: KeyDirs = None,
) -> int:
    """Make the keys of a publisher (init), replace one (rotate), or renew the signatures of the root (renew)."""
    from venvstacks.api import signing  # noqa: PLC0415 - with the library that signs

    elsewhere = _key_elsewhere(action, public_key, key_uri)
    if action is Action.INIT:
        wanted = signing.NewKeys(publisher, _by_holder(count), _by_holder(threshold), _numbers(days))
        done = signing.init_keys(folder, wanted)
    else:
        if action is Action.ROTATE and who is None:
            raise UsageError("rotate needs --who", hint=f"one of {', '.join(HOLDERS)}; `renew` changes no key")
        chosen = _holder(who) if action is Action.ROTATE and who else None
        done = signing.rotate_keys(
            folder, chosen, tuple(retire or ()), tuple(key_dirs or ()), elsewhere=elsewhere, ask=_secret
        )
    print_result("\n".join(_root_lines(done)))
    if not context.obj.quiet and action is not Action.INIT:
        print_message("sign the publication again, so that deployments learn of it")
    return ExitCode.DONE


def _key_elsewhere(action: Action, public: Path | None, uri: str | None) -> KeyElsewhere | None:
    """The key that exists already, if the options name one.

    Raises:
        UsageError: They name half a key, or the action takes none.
    """
    from venvstacks.api.signing import KeyElsewhere  # noqa: PLC0415 - with the library that signs

    if public is None and uri is None:
        return None
    if action is not Action.ROTATE:
        raise UsageError(
            f"{action} takes no key that exists already", hint="`keys rotate` puts one in place of another"
        )
    if public is None or uri is None:
        raise UsageError("--public-key and --key-uri belong together", hint="name both, or none to make a new key")
    return KeyElsewhere(public, uri)


def _secret(name: str) -> str:
    """What opens a key, such as a PIN: from the environment, or asked for in a terminal."""
    from venvstacks.api.deployment_options import DeployOptions  # noqa: PLC0415 - few keys ask for one

    if (given := DeployOptions().environment.get(_OPENS_KEYS)) is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError(f"the key needs a {name}", hint=f"set {_OPENS_KEYS}, or run this in a terminal")
    return getpass(f"{name} of the key: ")


def _root_lines(done: object) -> Sequence[str]:
    from venvstacks.api.signing import RootWritten  # noqa: PLC0415

    written = cast("RootWritten", done)
    lines = [f"root {written.version}: {written.place}"]
    lines += [f"fingerprint: {written.fingerprint}"] if written.version == 1 else []
    lines += [f"private key: {place}" for place in written.made]
    return [*lines, *(f"not trusted any more: key {id_[:12]}" for id_ in written.retired)]


def _numbers(texts: list[str] | None) -> dict[str, int]:
    found = {}
    for text in texts or ():
        name, _, number = text.partition("=")
        if not (number.isascii() and number.isdecimal() and len(number) < 7):
            raise UsageError(f"'{text}' is not NAME=NUMBER", hint="e.g. root=3")
        found[name] = int(number)
    return found


def _by_holder(texts: list[str] | None) -> dict[Holder, int]:
    return {_holder(name): number for name, number in _numbers(texts).items()}


def _holder(name: str) -> Holder:
    if name not in get_args(Holder):
        raise UsageError(f"'{name}' holds no keys", hint=f"one of {', '.join(HOLDERS)}")
    return cast("Holder", name)


def sign(
    context: typer.Context,
    publication: Annotated[Path, typer.Argument(metavar="PUBLICATION", help="Folder of published artifacts.")],
    *,
    key_folder: Annotated[Path, typer.Option("--keys", metavar="KEYS", help="Folder of the keys; see `keys`.")],
    key_dirs: KeyDirs = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--number",
            metavar="N",
            min=1,
            help="Least version of the metadata: for new folders, a number that rises each time. [default: next]",
        ),
    ] = None,
) -> int:
    """Sign a publication, or renew its signatures where its files are those that were signed before."""
    return sign_folder(publication, key_folder, context.obj, key_dirs=tuple(key_dirs or ()), number=number)


def sign_folder(
    publication: Path,
    key_folder: Path,
    verbosity: Verbosity,
    *,
    key_dirs: tuple[Path, ...] = (),
    number: int | None = None,
) -> int:
    """Sign a publication and report it."""
    from venvstacks.api import signing  # noqa: PLC0415 - with the library that signs

    done = signing.sign(publication, key_folder, key_dirs, number, _secret)
    if not verbosity.quiet:
        what = "the same as before; signatures renewed" if done.renewed else f"version {done.version}"
        print_message(f"signed: {done.files} files ({what}), valid until {done.valid_until:%Y-%m-%d}")
    return ExitCode.DONE
