"""Examples in helps, by command."""

from __future__ import annotations

EXAMPLES = {
    "venvstacks": (
        "venvstacks init                       write a small stack into this folder",
        "venvstacks build --lock --publish     lock, build and publish it",
        "venvstacks COMMAND -h                 options and examples of a command",
    ),
    "init": (
        "venvstacks init                       one application on a framework",
        "venvstacks init --template shared     two applications that share a framework",
        "venvstacks init --from .              layers for the project in this folder",
    ),
    "show": ("venvstacks show", "venvstacks show --include 'app-*' --json"),
    "lock": (
        "venvstacks lock                       lock what has changed, keep other pins",
        "venvstacks lock --upgrade             newest versions of everything",
        "venvstacks lock -P numpy              newest version of one package",
        "venvstacks lock --dry-run             show what would change",
    ),
    "build": (
        "venvstacks build --lock               lock what has changed, then build",
        "venvstacks build --locked             in CI: fail if a lock was forgotten",
        "venvstacks build --publish --include app-desk",
        "venvstacks build --publish --on tcp://build-server:8786 --remote-cache /mnt/store",
    ),
    "publish": ("venvstacks publish", "venvstacks publish --tag-outputs --compression small"),
    "local-export": ("venvstacks local-export", "venvstacks local-export --output-dir try --include app-desk"),
    "plan": (
        "venvstacks plan                       what would run, and why",
        "venvstacks plan --format mermaid      the task graph as a picture",
        "venvstacks plan --exit-code           in scripts: 10 if there is work to do",
    ),
    "why": ("venvstacks why build:app-desk",),
    "cache-key": ("venvstacks cache-key", "venvstacks cache-key --paths"),
    "clean": ("venvstacks clean --dry-run", "venvstacks clean"),
    "cache": (
        "venvstacks cache size                 what the cache of this user holds",
        "venvstacks cache prune --keep 20GB --keep 30d --dry-run",
        "venvstacks cache verify ../store      every file of a shared folder",
    ),
    "join": ("venvstacks join _artifacts part-linux part-macos part-windows",),
    "verify": ("venvstacks verify", "venvstacks verify --fresh-caches --include 'framework-*'"),
    "doctor": ("venvstacks doctor",),
    "tree": (
        "venvstacks tree                       which packages need which, with sizes",
        "venvstacks tree --invert numpy        who needs numpy, and which versions of it",
        "venvstacks tree _artifacts --duplicates",
    ),
    "diff": (
        "venvstacks diff v1.2                  locks of a tag, and those here",
        "venvstacks diff https://example.com/desk _artifacts",
        "venvstacks diff HEAD~1 HEAD --format markdown",
    ),
    "report": (
        "venvstacks report                     writes report.html",
        "venvstacks report _artifacts --against https://example.com/desk",
    ),
    "licenses": (
        "venvstacks licenses --app desk --texts LICENCES.txt",
        "venvstacks licenses --deny 'GPL-*' --deny 'AGPL-*'",
    ),
    "sbom": (
        "venvstacks sbom _artifacts --app desk -o desk.cdx.json",
        "venvstacks sbom --include framework-sci",
    ),
    "audit": (
        "venvstacks audit _artifacts --osv advisories.zip",
        "venvstacks audit /opt/desk --osv https://example.com/advisories.zip",
    ),
    "schema": ("venvstacks schema specification > venvstacks.schema.json",),
    "worker": ("venvstacks worker tcp://build-server:8786", "venvstacks worker tcp://build-server:8786 --jobs 8"),
    "run": ("venvstacks run desk", "venvstacks run desk -- --port 8080"),
    "watch": ("venvstacks watch", "venvstacks watch desk -- --port 8000", "venvstacks watch --export"),
    "deploy": (
        "venvstacks deploy _artifacts --to /opt/desk --app desk",
        "venvstacks deploy https://example.com/desk --to /opt/desk",
    ),
    "activate": ("venvstacks deploy https://example.com/desk --to /opt/desk --later", "venvstacks activate /opt/desk"),
    "rollback": ("venvstacks rollback /opt/desk",),
    "status": ("venvstacks status /opt/desk", "venvstacks status /opt/desk --verify"),
    "remove": ("venvstacks remove /opt/desk --app desk",),
    "collect": ("venvstacks collect /opt/desk",),
    "exec": ("venvstacks exec /opt/desk desk -- --port 8080",),
    "deployer": ("venvstacks deployer -o venvstacks-deploy.pyz", "python3 venvstacks-deploy.pyz status /opt/desk"),
    "bundle": (
        "venvstacks bundle _artifacts --app desk -o desk.run",
        "venvstacks bundle https://example.com/desk --platform win_amd64 -o desk.zip",
    ),
    "keys": (
        "venvstacks keys init keys --publisher 'Pond Ltd' --keys root=3 --threshold root=2",
        "venvstacks keys rotate keys --who online",
    ),
    "sign": ("venvstacks sign _artifacts --keys keys",),
}
