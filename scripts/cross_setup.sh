#!/usr/bin/env bash
# usage: scripts/cross_setup.sh aarch64 | riscv64
# Installs Debian's cross compiler and qemu, and puts the target's libraries into build/sysroot/ARCH; the host's own
# list of packages and architectures is left as it is. Does nothing when all is there.
# Exit status 3: something cannot be had here (no mirror, no root); 1: a library does not build.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-}
case "$arch" in
  aarch64 | riscv64) triple=$arch-linux-gnu ;;
  *) sed -n 2,5p "$0" >&2; exit 2 ;;
esac
absent() { echo "cross_setup: $arch: $*" >&2; exit 3; }
failed() { echo "cross_setup: $arch: $*" >&2; exit 1; }

scripts/setup.sh build "$arch" || absent "its compiler or qemu cannot be installed (scripts/packages.txt)"

root=$PWD/build/sysroot/$arch
work=$PWD/build/sysroot/$arch.work
mapfile -t libraries < <(awk '$1 == "build" { for (i = 2; i <= NF; i++) if ($i ~ /-dev$/) print $i }' scripts/packages.txt)
recipe=$(cat "$0" <(printf '%s\n' "${libraries[@]}") | sha256sum)
[ -f "$root/.recipe" ] && [ "$recipe" = "$(cat "$root/.recipe")" ] && exit 0
rm -rf "$root" "$work"
mkdir -p "$root" "$work"/{state/lists/partial,cache/archives/partial,debs,source}

# apt with lists, cache and (empty) package database of its own.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
  awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
mirror=${ANYRT_DEBIAN_MIRROR:-${mirror:-http://deb.debian.org/debian}}
private_apt() { # private_apt ARCHITECTURE
  : >"$work/status"
  printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bookworm main\n' \
    deb "$mirror" deb-src "$mirror" >"$work/sources.list"
  cat >"$work/apt.conf" <<END
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::Languages "none";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Cache::archives "$work/cache/archives";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/none";
Dir::Etc::preferencesparts "$work/none";
END
  mkdir -p "$work/none"
  export APT_CONFIG=$work/apt.conf
  apt-get -qq update >"$work/update.log" 2>&1 || absent "no package list of Debian 12 from $mirror ($work/update.log)"
}

fetch_packages() { # with all that they depend on; of the C library only what programs need at run time
  local deb
  private_apt arm64
  apt-get -qq --download-only install "${libraries[@]}" >"$work/packages.log" 2>&1 ||
    absent "the libraries cannot be downloaded from $mirror ($work/packages.log)"
  for deb in "$work"/cache/archives/*.deb; do
    case "${deb##*/}" in
      libc6-dev_* | linux-libc-dev_* | libcrypt-dev_* | libnsl-dev_* | libtirpc-dev_*) ;;
      *) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink ;;
    esac
  done
  # Absolute links mean the target's root.
  local link
  while read -r link; do
    ln -sfr "$root$(readlink "$link")" "$link"
  done < <(find "$root" -type l -lname '/*')
}

logged() { # logged NAME COMMAND...
  local log=$work/$1.log
  shift
  "$@" >>"$log" 2>&1 || {
    tail -20 "$log" >&2
    failed "${log##*/} says why a library does not build (${log%/*})"
  }
}
source_of() { find "$work/source" -mindepth 1 -maxdepth 1 -type d -name "$1-*"; }
cross_build() { # cross_build SOURCE-PACKAGE CMAKE-ARGUMENT...
  local name=$1
  shift
  logged "$name" cmake -S "$(source_of "$name")" -B "$work/build/$name" -G Ninja -Wno-dev \
    --toolchain "$PWD/cmake/toolchains/$triple.cmake" -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="lib/$triple" "$@"
  logged "$name" cmake --build "$work/build/$name"
  logged "$name" env DESTDIR="$root" cmake --install "$work/build/$name"
}
build_zlib() (
  cd "$(source_of zlib)" &&
    CC=$triple-gcc-12 AR=$triple-ar RANLIB=$triple-ranlib CFLAGS="-O2 -fPIC" \
      ./configure --static --prefix=/usr --libdir="/usr/lib/$triple" &&
    make libz.a && make DESTDIR="$root" install
)

build_packages() { # Debian 12 has none for this architecture: its sources, as static libraries
  local deb
  private_apt "$(dpkg --print-architecture)"
  (cd "$work/debs" && apt-get -qq download nlohmann-json3-dev libcli11-dev libprotozero-dev libtomlplusplus-dev) \
    >"$work/packages.log" 2>&1 || absent "headers cannot be downloaded from $mirror ($work/packages.log)"
  for deb in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --wildcards './usr/include/*' './usr/share/*'
  done
  (cd "$work/source" && apt-get -qq source fmtlib highway re2 utf8proc googletest zlib) >"$work/sources.log" 2>&1 ||
    absent "sources cannot be downloaded from $mirror ($work/sources.log)"
  cross_build fmtlib -DFMT_TEST=OFF -DFMT_DOC=OFF
  cross_build highway -DHWY_ENABLE_TESTS=OFF -DHWY_ENABLE_EXAMPLES=OFF -DHWY_ENABLE_CONTRIB=OFF
  # Debian's source of RE2 comes without the tables that its own makefile writes, that of zlib without its CMake files.
  logged re2 make -C "$(source_of re2)" REBUILD_TABLES=1 re2/perl_groups.cc re2/unicode_casefold.cc re2/unicode_groups.cc
  cross_build re2 -DRE2_BUILD_TESTING=OFF
  cross_build utf8proc
  cross_build googletest
  logged zlib build_zlib
  local pc=$root/usr/lib/$triple/pkgconfig
  [ -f "$pc/re2.pc" ] || printf 'Name: re2\nDescription: regular expressions\nVersion: 0\nLibs: -pthread -lre2\n' >"$pc/re2.pc"
  printf 'Name: tomlplusplus\nDescription: TOML, headers only\nVersion: 3.3.0\n' >"$pc/tomlplusplus.pc"
  mkdir -p "$root/lib"
  cp -a "/usr/$triple"/lib/*.so.* "$root/lib"
}

case "$arch" in
  aarch64) fetch_packages ;;
  riscv64) build_packages ;;
esac
rm -rf "$work"
printf '%s\n' "$recipe" >"$root/.recipe"
