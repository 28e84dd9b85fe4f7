# What the scripts share: where the repository is, how to speak, how to fail, how to fetch. Sourced by bash, never run.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
export PATH="$root/node_modules/.bin:$PATH"
jobs="${GYRUS_BUILD_JOBS:-$(nproc)}"

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# die WHAT REMEDY
die() {
  printf '%s: %s\n  remedy: %s\n' "$(basename "$0")" "$1" "$2" >&2
  exit 1
}

# at_least FOUND WANTED: compares dotted versions.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# need TOOL WANTED_VERSION REMEDY: the tool must be there and report at least that version.
need() {
  local tool="$1" wanted="$2" remedy="$3" found
  command -v "$tool" > /dev/null || die "$tool is not on the PATH" "$remedy"
  found="$("$tool" --version 2> /dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true)"
  at_least "${found:-0}" "$wanted" || die "$tool ${found:-of an unknown version} is older than $wanted" "$remedy"
}

# apt_fetch FOLDER PACKAGE...: unpacks Debian packages into FOLDER without root. The system's own package lists serve
# when they are there; otherwise lists of our own are fetched into .deps/apt. apt checks the archive's signatures.
apt_fetch() {
  local into="$1" apt="$root/.deps/apt" options=()
  shift
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    die "this is no Debian, so these packages cannot be fetched: $*" "install them with this system's package manager"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
  if ! (cd "$apt/debs" && apt-get -q download "$@" > "$apt/log" 2>&1); then
    options=(-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Dir::State::status=/var/lib/dpkg/status)
    apt-get -q "${options[@]}" update > "$apt/log" 2>&1 &&
      (cd "$apt/debs" && apt-get -q "${options[@]}" download "$@" >> "$apt/log" 2>&1) ||
      die "apt-get could not download: $* (see .deps/apt/log)" "apt-get install $*   (as root), then run this again"
  fi
  mkdir -p "$into"
  local deb
  for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$into"; done
  rm -rf "$apt"
}

# pip ARGUMENT...: Python's pip, or, on a Debian without it, the wheel of it that Debian packages, run from its archive.
pip() {
  if python3 -m pip --version > /dev/null 2>&1; then
    python3 -m pip "$@"
    return
  fi
  local wheels="$root/.deps/pip/usr/share/python-wheels"
  compgen -G "$wheels/pip-*.whl" > /dev/null || apt_fetch "$root/.deps/pip" python3-pip-whl
  python3 "$(compgen -G "$wheels/pip-*.whl" | head -n 1)/pip" "$@"
}

# fetch_wheels REQUIREMENTS FOLDER: downloads exactly the pinned wheels, checks their hashes and unpacks them.
fetch_wheels() {
  local requirements="$1" into="$2" wheel
  rm -rf "$into.wheels" "$into.unpacked"
  pip --disable-pip-version-check download --quiet --no-deps --require-hashes --only-binary :all: \
    --dest "$into.wheels" --requirement "$requirements" ||
    die "pip could not fetch what $requirements pins" \
      "check the network, or set PIP_INDEX_URL or PIP_FIND_LINKS to a mirror"
  for wheel in "$into.wheels"/*.whl; do python3 -m zipfile --extract "$wheel" "$into.unpacked"; done
  rm -rf "$into.wheels"
}

# is_done FOLDER KEY / mark_done FOLDER KEY: a folder is complete when its stamp, written last, holds the key.
is_done() { [ "$(cat "$1/.complete" 2> /dev/null)" = "$2" ]; }
mark_done() { printf '%s' "$2" > "$1/.complete"; }
hash_of() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
