#!/bin/sh
# Installs @title@ on machines without Python and without a network: sh FILE DIR
# What follows this script is a zip archive (`unzip -l FILE`). The script unpacks the Python in it into a temporary
# folder and lets it do the rest. It needs tail, head, wc, tar with gzip, mktemp, rm and a program for SHA-256.
set -u
title=@title_quoted@
platform=@platform@
python=@python_quoted@
size=@size@
begin=@begin@
sha256=@sha256@
program_begin=@program_begin@
program_size=@program_size@
runtime_begin=@runtime_begin@
runtime_size=@runtime_size@

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 6
}

part() { # FIRST COUNT: bytes of this file
    tail -c "+$1" "$self" 2>/dev/null | head -c "$2"
}

digest() { # of standard input
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256
    elif command -v openssl >/dev/null 2>&1; then
        openssl dgst -sha256 -r
    else
        fail "this machine has no program for SHA-256" "install sha256sum, shasum or openssl"
    fi
}

self=$0
case $self in
*/*) ;;
*) self=./$self ;;
esac
[ -f "$self" ] && [ -r "$self" ] || fail "$0 is not the file to install from" "start it as: sh FILE DIR"
found=$(($(wc -c <"$self")))
[ "$found" -eq "$size" ] ||
    fail "$self is incomplete or damaged: it has $found bytes, not $size" "copy or download it again"
found=$(tail -c "+$begin" "$self" | digest) || exit 6
[ "${found%% *}" = "$sha256" ] || fail "$self is damaged: its SHA-256 is another one" "copy or download it again"

base=${TMPDIR:-/tmp}
work=$(mktemp -d "$base/venvstacks.XXXXXX" 2>/dev/null) ||
    fail "no folder can be made in $base" "set TMPDIR to a folder that can be written to"
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
full="free some space there, or set TMPDIR to another folder"
(umask 022 && part "$runtime_begin" "$runtime_size" | tar -xzf - -C "$work") ||
    fail "the Python of $title cannot be unpacked in $base" "$full"
part "$program_begin" "$program_size" >"$work/install.pyz" || fail "$work/install.pyz cannot be written" "$full"
why=$("$work/$python" -I -S -B -c "" 2>&1) ||
    fail "the Python of $title, which is for $platform, cannot be started in $base: $why" \
        "this machine is $(uname -sm); if it is right, set TMPDIR to a folder that programs can be started from"
exec "$work/$python" -I -S -B "$work/install.pyz" "$work" "$self" "$@"
