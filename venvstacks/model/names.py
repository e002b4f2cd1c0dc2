"""Rules for the names of all layers together: environments and deployed folders need different names."""

from __future__ import annotations

from collections.abc import Iterator

from venvstacks.errors import Fault
from venvstacks.model.draft import Draft, DraftLayer
from venvstacks.model.stack import ENV_PREFIXES


def find_name_faults(draft: Draft) -> Iterator[Fault]:
    """Faults for names that two environments or deployed folders would share, ignoring case as Windows and macOS do.

    A runtime's environment name is its layer name, so `app-x` may be a runtime's name where no application is
    called `x`.
    """

    def fault(layer: DraftLayer, message: str, hint: str | None = None) -> Fault:
        return Fault(message, draft.line_of((*layer.path, "name")), layer.name, "name", hint)

    taken: dict[str, DraftLayer] = {}
    versioned = {env_name_of(layer).casefold(): layer for layer in draft.layers if layer.spec and layer.spec.versioned}
    for layer in draft.layers:
        name = env_name_of(layer)
        first = taken.setdefault(name.casefold(), layer)
        if first is not layer:
            line = draft.line_of((*first.path, "name"))
            hint = "choose another name" if env_name_of(first) == name else "names may not differ in case alone"
            yield fault(layer, f"the environment name '{name}' is taken by the layer in line {line}", hint)
        base, at, number = name.rpartition("@")
        deployed = versioned.get(base.casefold()) if at and number.isdecimal() else None
        if deployed:
            message = f"'{name}' is what version {number} of layer '{deployed.name}' is deployed as"
            yield fault(layer, message, "choose a name that does not end in '@<number>'")


def env_name_of(layer: DraftLayer) -> str:
    """The environment name of a layer in a draft."""
    return ENV_PREFIXES[layer.kind] + layer.name
