"""All errors that a user can cause: what happened, what to do about it, and the exit code.

Wording: the message says what happened and where, the hint says what to do. The command line prints both and
never a traceback; an exception that is not a `VenvstacksError` is a defect of this program.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from pathlib import Path


class ExitCode(IntEnum):
    """Exit codes of the commands, on which scripts and CI systems can rely."""

    DONE = 0
    MIXED = 1
    USAGE = 2
    SPECIFICATION = 3
    LOCKING = 4
    BUILDING = 5
    PUBLISHING = 6
    WORK_TO_DO = 10
    NOT_LOCKED = 11
    FOUND = 12
    INTERRUPTED = 130
    TERMINATED = 143


class VenvstacksError(Exception):
    """Base of all errors that a user can cause or correct.

    Attributes:
        message: One sentence: what is wrong, and where.
        hint: What to do about it, or None if there is no useful advice.
        details: Further lines that are shown between message and hint (one fault, package or file each).
    """

    exit_code: ClassVar[ExitCode] = ExitCode.MIXED

    def __init__(self, message: str, *, hint: str | None = None, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        lines = [self.message, *(f"  {line}" for line in self.details)]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class UsageError(VenvstacksError):
    """The command line or the API was called with arguments that are wrong or do not fit together."""

    exit_code = ExitCode.USAGE


class BuildFolderBusyError(UsageError):
    """Another run uses the build folder, and this one was not to wait for it."""


class StateError(UsageError):
    """The recorded task state cannot be read or written."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a specification.

    Attributes:
        message: What is wrong, without file and line.
        line: The line in the file (counted from 1), or None if it is about the file as a whole.
        layer: Environment or layer name that the fault is about, or None.
        key: The key within the layer or table, dotted, or None.
        hint: What to do about it, or None.
    """

    message: str
    line: int | None = None
    layer: str | None = None
    key: str | None = None
    hint: str | None = None

    def describe(self, source: str) -> str:
        """One line: `file:line: layer 'x', key 'y': message (hint)`."""
        place = source if self.line is None else f"{source}:{self.line}"
        about = [f"layer '{self.layer}'"] if self.layer else []
        about += [f"key '{self.key}'"] if self.key else []
        subject = f"{', '.join(about)}: " if about else ""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{place}: {subject}{self.message}{tail}"


class SpecificationError(VenvstacksError):
    """The stack specification is wrong; the error holds every fault that was found.

    Attributes:
        source: The file, relative to `folder`.
        faults: Its faults, in the order of the file.
        folder: The specification's folder; None for a text that is no file.
    """

    exit_code = ExitCode.SPECIFICATION
    folder: Path | None = None

    def __init__(self, source: str, faults: tuple[Fault, ...], *, hint: str | None = None) -> None:
        ordered = tuple(sorted(faults, key=lambda fault: (fault.line or 0, fault.key or "")))
        count = "1 fault" if len(ordered) == 1 else f"{len(ordered)} faults"
        super().__init__(
            f"the stack specification {source} has {count}",
            hint=hint,
            details=tuple(fault.describe(source) for fault in ordered),
        )
        self.source = source
        self.faults = ordered


class SourceError(VenvstacksError):
    """A launch or support module contains a file that can be neither copied nor left out."""

    exit_code = ExitCode.SPECIFICATION


class MissingToolError(VenvstacksError):
    """A program that this one runs is not installed."""


class GraphError(VenvstacksError):
    """The task graph is not consistent (cycle, duplicate output, missing input)."""

    exit_code = ExitCode.SPECIFICATION


class LockError(VenvstacksError):
    """A layer could not be locked."""

    exit_code = ExitCode.LOCKING


class StaleLockError(LockError):
    """A layer's lock no longer fits its inputs, and the run was not allowed to renew it."""


@dataclass(frozen=True, order=True)
class NeededVersion:
    """A version that a lower layer has to hold so that a layer above can be resolved.

    Attributes:
        layer: Environment name of the lower layer.
        package: Normalised name of the package.
        version: The version.
        instead: The version that the lower layer gets otherwise.
        target: Name of the target platform.
        needed_by: Environment name of the layer above.
    """

    layer: str
    package: str
    version: str
    instead: str
    target: str
    needed_by: str


class LayerConflictError(LockError):
    """A layer cannot be resolved over the locks below, but with other versions there it can be.

    Attributes:
        needed: These versions, with all that were adapted before.
    """

    def __init__(self, layer: str, needed: tuple[NeededVersion, ...]) -> None:
        packages = ", ".join(sorted({f"{each.package} {each.version}" for each in needed}))
        super().__init__(f"layer '{layer}' needs other versions in the layers below it: {packages}")
        self.needed = needed


class NotLockedError(LockError):
    """Locks are missing or not valid, and the run was to use them as they are."""

    exit_code = ExitCode.NOT_LOCKED


class ForeignSourceError(LockError):
    """A package would come from another source than the files say from which a layer takes its requirements."""

    exit_code = ExitCode.SPECIFICATION


class MissingWheelsError(LockError):
    """Packages have no wheel for some of a layer's target platforms."""


class BuildError(VenvstacksError):
    """An environment could not be built."""

    exit_code = ExitCode.BUILDING


class UnsafeWheelError(BuildError):
    """A wheel holds files that would be written outside of the environment."""


class RuntimeUnavailableError(BuildError):
    """No provider could supply the Python that a runtime layer names."""


class LinkError(BuildError):
    """An environment was built but cannot be linked to the layers below it."""


class ImportCheckError(BuildError):
    """A package that a layer requires cannot be imported in the layer, but can be in one flat environment."""


class MissingInputError(VenvstacksError):
    """A task cannot run because a file that it reads does not exist, and no task of this run makes it."""

    exit_code = ExitCode.BUILDING


class PublishError(VenvstacksError):
    """An archive, an export or a manifest could not be written."""

    exit_code = ExitCode.PUBLISHING


class ChangedEnvironmentError(PublishError):
    """The files of a built environment differ from those that its build recorded."""


class DeployError(VenvstacksError):
    """Published layers cannot be deployed, or a deployment cannot be used or changed."""

    exit_code = ExitCode.PUBLISHING


class TrustError(DeployError):
    """A publication is not signed as it has to be, or cannot be signed.

    Attributes:
        kind: What is wrong, in one word: `unsigned`, `strangers`, `expired`, `rollback`, `mixed`, `endless`, `damaged`,
            `clock`, `root`, `key` or `record`.
        roots: Root metadata that was verified before the failure, by version: it counts from now on.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, details: tuple[str, ...] = (), kind: str = "record"
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.kind = kind
        self.roots: dict[int, str] = {}


class DamagedRecordError(DeployError):
    """A record of a deployment is missing or damaged."""


class UnreadableError(DeployError):
    """A file or folder of a deployment cannot be read.

    Attributes:
        refused: Whether the reason is a missing permission, so that the content may well be intact.
    """

    def __init__(self, message: str, *, hint: str | None = None, refused: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.refused = refused


class UnsafeArchiveError(DeployError):
    """A published archive is damaged, or its content differs from its manifest."""


TransferFault = Literal["missing", "forbidden", "refused", "broken off", "unreachable", "other file"]


class TransferError(VenvstacksError):
    """A file could not be fetched; callers that know the file's purpose raise an error of their own instead.

    Attributes:
        kind: What went wrong.
        transient: Whether another attempt may succeed.
    """

    exit_code = ExitCode.PUBLISHING  # where nobody knows better, it is about a publication

    def __init__(
        self, message: str, *, hint: str | None = None, kind: TransferFault = "refused", transient: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.transient = transient


class ProcessFailedError(VenvstacksError):
    """A child process failed; callers that know its purpose raise an error of their own instead.

    Attributes:
        argv: The command that failed.
        returncode: Its exit status; negative for a signal.
        output: The end of its output.
    """

    def __init__(self, argv: tuple[str, ...], returncode: int, output: str) -> None:
        super().__init__(
            f"{argv[0]} failed with exit status {returncode}",
            details=tuple(output.rstrip().splitlines()[-20:]),
        )
        self.argv = argv
        self.returncode = returncode
        self.output = output


class TimeLimitError(ProcessFailedError):
    """A child process was ended because it took too long.

    Attributes:
        limit: The seconds that it had.
    """

    def __init__(self, argv: tuple[str, ...], returncode: int, output: str, limit: float) -> None:
        super().__init__(argv, returncode, output)
        self.message = f"{argv[0]} did not end within {limit:g} s"
        self.limit = limit


class InterruptedRunError(VenvstacksError):
    """The run was interrupted; finished tasks are kept, and unfinished ones run again next time."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(
        self,
        message: str = "interrupted",
        *,
        terminated: bool = False,
        hint: str | None = "run the same command again to go on; finished tasks are kept",
    ) -> None:
        super().__init__(message, hint=hint)
        if terminated:  # by SIGTERM, not by Ctrl-C
            self.exit_code = ExitCode.TERMINATED  # type: ignore[misc] # the exit code of shells for that signal
