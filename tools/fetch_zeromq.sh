#!/bin/sh
# Puts libzmq's source into a folder by Debian's source package: for machines that reach Debian's mirrors and nothing else.
# Usage: fetch_zeromq.sh FOLDER.  Needs dpkg-source (dpkg-dev), no root, and no deb-src entries: it derives them from apt's own.
set -eu

target=${1:?usage: fetch_zeromq.sh FOLDER}
[ -f "$target/CMakeLists.txt" ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/source"
# apt's download user may not enter a private folder; without this it warns for each file.
chmod 755 "$work" "$work/source"

# The machine's own entries, asked for sources in place of binaries. Both formats that apt knows.
for entry in /etc/apt/sources.list.d/*.sources; do
  [ -f "$entry" ] || continue
  sed 's/^Types:.*/Types: deb-src/' "$entry" >"$work/sources/$(basename "$entry")"
done
for entry in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -f "$entry" ] || continue
  sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$entry" >"$work/sources/$(basename "$entry" .list).list"
done

apt() {
  apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources" \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

echo "fetching the source package zeromq3 (libzmq) with apt, as this machine is set up"
apt update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
# dpkg-source unpacks it and applies Debian's patches.
(cd "$work/source" && apt source zeromq3 >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
unpacked=$(find "$work/source" -maxdepth 1 -type d -name 'zeromq3-*' | head -n 1)
[ -n "$unpacked" ] || { echo "apt-get source left no folder zeromq3-*; it said:" >&2; cat "$work/log" >&2; exit 1; }

mkdir -p "$(dirname "$target")"
rm -rf "$target.new" "$target"
mv "$unpacked" "$target.new"
mv "$target.new" "$target"
echo "libzmq's source: $target"
