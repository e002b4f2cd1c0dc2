"""Compiles a stack into its task graph: what each task reads, writes and depends on, layer by layer.

All differences between kinds of layers, and between platforms, are decided here; the actions only perform the tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.locking.lock_inputs import lock_inputs, source_table
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.declared import declared_distributions
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.own_packages import OwnPackage
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer, Stack

RECIPES: Mapping[str, int] = {"build": 5, "link": 8, "check": 1, "headers": 1, "archive": 6, "export": 2}
"""Raised when a step begins to do something else with the same inputs, so that old results are redone: for archives,
other bytes of the same members (such as by other parameters of the compressor), and what is published with them."""

ARCHIVE_MANIFEST = "manifest:archives"
"""The task that writes the manifest of published archives."""

COMPRESSORS: Mapping[str, str] = {"tar.zst": "zstandard", "tar.xz": "lzma", "tar.gz": "zlib", "zip": "zlib"}
"""What the bytes of an archive format depend on, as its version is listed in `Configuration.tools`."""


def compile_stack(stack: Stack, configuration: Configuration) -> TaskGraph:
    """The whole task graph of a stack.

    Disabled layers have no tasks. Layers that are not made for this platform are locked, but not built.

    Raises:
        GraphError: The graph is not consistent, e.g. because two layers write the same file.
    """
    compiler = _Compiler(stack, configuration)
    return TaskGraph(tuple(compiler.compile()), frozenset(compiler.sources()))


class _Compiler:
    def __init__(self, stack: Stack, configuration: Configuration) -> None:
        self.stack = stack
        self.configuration = configuration
        self.layout = configuration.layout

    def compile(self) -> Iterator[TaskNode]:
        locked = [layer for layer in self.stack.layers if layer.platforms]
        platform = self.configuration.platform
        built = [layer for layer in locked if platform in layer.platforms]
        for label, package in self.stack.own_packages.items():
            yield self.wheel(label, package)
        for layer in locked:
            yield self.lock(layer)
        for layer in built:
            yield self.build(layer, platform)  # type: ignore[arg-type] # None is in no layer's platforms
            yield self.link(layer, platform)  # type: ignore[arg-type]
            if self.configuration.check_imports:
                yield self.check(layer, platform)  # type: ignore[arg-type]
            yield self.archive(layer)
            yield self.export(layer)
        if built:
            yield self.manifest(
                ARCHIVE_MANIFEST.partition(":")[2], self.layout.artifacts, built, self.configuration.tag
            )
            yield self.manifest("exports", self.layout.export, built, None)

    def sources(self) -> Iterator[str]:
        yield from self.configuration.local_wheels
        for layer in self.stack.layers:
            yield from layer.input_files
            for source in layer.sources:
                yield from source.file_paths
        for package in self.stack.own_packages.values():
            yield from package.tree.file_paths if package.tree else ()

    def wheel(self, label: str, package: OwnPackage) -> TaskNode:
        return TaskNode(
            name=f"wheel:{label}",
            kind="wheel",
            env_name="",
            inputs=package.tree.file_paths if package.tree else (),
            outputs=(self.layout.wheel_pin(label),),
            fingerprint={"source": source_table(package.source), "python": str(package.python)},
            self_described=True,
        )

    def lock(self, layer: Layer) -> TaskNode:
        layout = self.layout
        return TaskNode(
            name=f"lock:{layer.env_name}",
            kind="lock",
            env_name=layer.env_name,
            inputs=(
                *(layout.lock_file(below) for below in layer.below),
                *self.configuration.local_wheels,
                *layer.input_files,
                *(layout.wheel_pin(label) for label in self.stack.built_for(layer)),
            ),
            outputs=(
                layout.lock_file(layer),
                layout.lock_metadata(layer),
                layout.declared_requirements(layer),
                layout.package_summary(layer),
            ),
            fingerprint=lock_inputs(layer, self.stack.uv),
            self_described=True,
        )

    def build(self, layer: Layer, platform: TargetPlatform) -> TaskNode:
        layout, environment = self.layout, self.layout.environment(layer)
        interpreter = EnvironmentLayout.of(layer, platform).interpreter
        interface = (layout.record("runtime", layer.runtime),) if layer.runtime else ()
        sources = [path for source in layer.sources for path in source.file_paths]
        python = f"{environment}/{interpreter}"
        return TaskNode(
            name=f"build:{layer.env_name}",
            kind="build",
            env_name=layer.env_name,
            inputs=(layout.lock_file(layer), *interface, *sources),
            outputs=(
                layout.record("build", layer),
                python,
                *(() if layer.runtime else (layout.record("runtime", layer),)),
            ),
            fingerprint={
                "recipe": RECIPES["build"],
                "kind": layer.kind,
                "python": str(layer.python),
                "platform": platform.name,
                "uv": self.configuration.tools.get("uv"),
                "scripts": self.configuration.scripts,
                **self._runtime_source(layer),
                **_executable_files(layer),
                **({"launches": {launch.name: launch.target for launch in layer.launches}} if layer.launches else {}),
                **({"launch_module": layer.launch.path} if layer.launch and layer.support else {}),  # which one it is
            },
            after=tuple(f"wheel:{label}" for label in self.stack.built_for(layer, with_lower=False)),
            trees=(python,),
            uses=(f"build:{layer.runtime.env_name}",) if layer.runtime else (),
        )

    def _runtime_source(self, layer: Layer) -> dict[str, object]:
        if layer.runtime:
            return {}
        source: dict[str, object] = {"runtime_providers": list(self.configuration.runtime_providers)}
        archives = self.stack.settings.runtime_archives.get(str(layer.python))
        if archives and "archive" in self.configuration.runtime_providers:
            source["runtime_archives"] = {name: archive.model_dump() for name, archive in archives.items()}
        return source

    def link(self, layer: Layer, platform: TargetPlatform) -> TaskNode:
        layout = self.layout
        config = f"{layout.environment(layer)}/{LAYER_CONFIG}"
        return TaskNode(
            name=f"link:{layer.env_name}",
            kind="link",
            env_name=layer.env_name,
            inputs=(
                layout.record("build", layer),
                *(layout.record("provided", below) for below in layer.below),
                *self._deployed_names(layer),
            ),
            outputs=(
                layout.record("link", layer),
                layout.record("provided", layer),
                layout.record("libraries", layer),
                config,
            ),
            fingerprint={
                "recipe": RECIPES["link"],
                "platform": platform.name,
                "below": [{"env": below.env_name, "versioned": below.versioned} for below in layer.below],
                "versioned": layer.versioned,
                "launch_module": layer.launch_module,
                **({"launch_names": layer.launch_names} if layer.launch_names else {}),
                **({"desktop": layer.desktop.model_dump(mode="json")} if layer.desktop else {}),
                "dynlib_exclude": list(layer.dynlib_exclude),
                "dynlib_path": layer.dynlib_path,
                **({"fallback": platform.dynamic_library_variable} if platform.system == "macosx" else {}),
                "bytecode": self.configuration.bytecode,
            },
            trees=(config,),
            uses=(
                f"build:{layer.env_name}",
                *(f"{kind}:{below.env_name}" for below in layer.below for kind in ("build", "link")),
            ),
            within=f"build:{layer.env_name}",
        )

    def check(self, layer: Layer, platform: TargetPlatform) -> TaskNode:
        layout, configuration = self.layout, self.configuration
        inputs, outputs, uses = [layout.record("link", layer)], [], [layer]
        fingerprint: dict[str, object] = {}
        if configuration.imports_layers:
            inputs += [layout.record("libraries", below) for below in layer.below]
            outputs.append(layout.record("check", layer))
            uses += layer.below
            fingerprint |= {
                "recipe": RECIPES["check"],
                "platform": platform.name,
                "imports": sorted(declared_distributions(layer, platform)),
                **({"launches": [launch.target for launch in layer.launches]} if layer.launches else {}),
            }
        if configuration.reads_headers:
            inputs += [layout.record("link", below) for below in layer.below]
            inputs += [] if layer.runtime else [layout.record("runtime", layer)]
            outputs.append(layout.record("headers", layer))
            fingerprint |= {
                "headers": RECIPES["headers"],
                "platform": platform.name,
                "oldest": {"linux": layer.glibc, "macosx": layer.macos, "win": None}[platform.system],
            }
        return TaskNode(
            name=f"check:{layer.env_name}",
            kind="check",
            env_name=layer.env_name,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            after=tuple(f"check:{below.env_name}" for below in layer.below),
            fingerprint=fingerprint,
            uses=tuple(f"{kind}:{other.env_name}" for other in uses for kind in ("build", "link")),
        )

    def _deployed_names(self, layer: Layer) -> tuple[str, ...]:
        """Lock metadata of the layers whose deployed name is only known once they are locked."""
        return tuple(self.layout.lock_metadata(other) for other in (layer, *layer.below) if other.versioned)

    def archive(self, layer: Layer) -> TaskNode:
        configuration, layout = self.configuration, self.layout
        compressor = COMPRESSORS[configuration.archive_format]
        return TaskNode(
            name=f"archive:{layer.env_name}",
            kind="archive",
            env_name=layer.env_name,
            inputs=(
                *self._published_inputs(layer),
                *((layout.record("headers", layer),) if configuration.reads_headers else ()),
            ),
            outputs=(layout.published_metadata(layout.artifacts, layer, configuration.tag),),
            fingerprint={
                "recipe": RECIPES["archive"],
                "format": configuration.archive_format,
                "level": configuration.archive_level,
                "epoch": configuration.epoch,
                "tagged": configuration.tag_outputs,
                "compressor": [compressor, configuration.tools.get(compressor)],
            },
            uses=(f"build:{layer.env_name}", f"link:{layer.env_name}"),
        )

    def export(self, layer: Layer) -> TaskNode:
        layout = self.layout
        return TaskNode(
            name=f"export:{layer.env_name}",
            kind="export",
            env_name=layer.env_name,
            inputs=self._published_inputs(layer),
            outputs=(layout.published_metadata(layout.export, layer, None),),
            after=tuple(f"export:{below.env_name}" for below in layer.below),
            fingerprint={"recipe": RECIPES["export"], "link_mode": self.configuration.link_mode},
            uses=(f"build:{layer.env_name}", f"link:{layer.env_name}"),
        )

    def _published_inputs(self, layer: Layer) -> tuple[str, ...]:
        layout = self.layout
        return tuple(
            dict.fromkeys((layout.record("link", layer), layout.lock_metadata(layer), *self._deployed_names(layer)))
        )

    def manifest(self, what: str, folder: str, built: list[Layer], tag: str | None) -> TaskNode:
        return TaskNode(
            name=f"manifest:{what}",
            kind="manifest",
            env_name="",
            gathers=tuple(self.layout.published_metadata(folder, layer, tag) for layer in built),
            outputs=(self.layout.stack_manifest(folder, tag),),
            follows=tuple(f"check:{layer.env_name}" for layer in built) if self.configuration.check_imports else (),
            self_described=True,
        )


def _executable_files(layer: Layer) -> dict[str, object]:
    """Launch and support files that are shipped as executable, which their digests do not show; often none."""
    found = sorted(source.place_of(name) for source in layer.sources for name in source.executable)
    return {"executable": found} if found else {}
