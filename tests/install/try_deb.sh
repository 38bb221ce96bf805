#!/usr/bin/env bash
# try_deb.sh BUILD: makes Debian packages of a build, installs them into a bare Debian, uses them there, and removes them.
# Needs root, debootstrap and a mirror (MIRROR, by default the one that apt uses); without, it is skipped (status 77).
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null || { echo "skipped: needs root and debootstrap"; exit 77; }
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -v security | head -n 1)}
work=$(mktemp -d)
bare=$work/bare
trap 'umount -q "$bare/proc" || true; rm -rf "$work"' EXIT
say() { printf '== %s\n' "$*"; }
fails() { printf 'error: %s\n' "$*" >&2; exit 1; }
inside() { chroot "$bare" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C DEBIAN_FRONTEND=noninteractive "$@"; }

say "packages"
(cd "$work" && cpack --config "$build/CPackConfig.cmake" -B "$work/packages" >"$work/log") || { cat "$work/log"; exit 1; }
mkdir "$work/debs"
cp "$work"/packages/*.deb "$work/debs/"
for package in "$work"/debs/*.deb; do
  dpkg-deb --info "$package" | grep -E '^ (Package|Version|Depends|Recommends|Installed-Size)'
done

say "a bare Debian"
debootstrap --variant=minbase bookworm "$bare" "$mirror" >"$work/log" 2>&1 || { tail -n 5 "$work/log"; echo "skipped: no Debian from $mirror"; exit 77; }
mount -t proc proc "$bare/proc"
cp /etc/resolv.conf "$bare/etc/" 2>/dev/null || true
[ ! -d /etc/apt/apt.conf.d ] || cp /etc/apt/apt.conf.d/*proxy* "$bare/etc/apt/apt.conf.d/" 2>/dev/null || true
mkdir "$bare/debs"
cp "$work"/debs/*.deb "$bare/debs/"
inside apt-get update -qq

say "the programs"
inside sh -c 'apt-get install -y -qq --no-install-recommends /debs/weft_*.deb' >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
cp "$root/docs/images/astronaut.jpg" "$bare/tmp/"
inside infer_unet /tmp/astronaut.jpg --write mask,cutout | tee "$work/line"
grep -q '(37[.0-9]*% clothing)' "$work/line" || fails "the mask is not the one that docs/images shows"
for program in bench_unet convert_weights eval_unet export_onnx inspect_model make_synthetic_atr train_unet; do
  inside "$program" --version
done

say "a program that uses it"
inside sh -c 'apt-get install -y -qq --no-install-recommends /debs/weft-dev_*.deb g++ cmake make pkg-config' >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
mkdir "$bare/examples"
cp "$root"/docs/examples/* "$bare/examples/"
inside sh -c 'cmake -S /examples -B /examples/build >/dev/null && cmake --build /examples/build --target small_network cut_out >/dev/null && cd /tmp && /examples/build/examples/small_network && /examples/build/examples/cut_out'
inside sh -c 'c++ -O1 /examples/cut_out.cpp -o /tmp/by_pkg_config $(pkg-config --cflags --libs weft) && /tmp/by_pkg_config >/dev/null'

say "and gone"
inside sh -c 'apt-get purge -y -qq weft weft-dev' >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
left=$(inside sh -c 'find / -xdev \( -name "*weft*" -o -name "infer_unet*" \) -not -path "/proc/*" -not -path "/debs/*" -not -path "/examples/*" -not -path "/tmp/*" -not -path "/var/log/*"')
[ -z "$left" ] || fails "left behind: $left"
say "all is well"
