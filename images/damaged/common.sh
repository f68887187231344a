# Sourced by the recipes beside it: each makes the image it is given the name of, damaged in one way that was a bug of ours
# once, or that only a guard keeps from being one. What they do is the same every time. Structures are damaged where no checksum covers them, so that the
# checks behind the checksums are met.
set -euo pipefail
image=$1

# Options of mke2fs; blocks of 1 KiB unless they say otherwise.
make() {
    rm -f "$image"
    truncate -s 8M "$image"
    mke2fs -q -F -b 1024 -N 128 -E hash_seed=5a5a5a5a-0123-4567-89ab-cdefcdefcdef "$@" "$image"
}

# A debugfs request; its complaints are failures.
debug() {
    local said
    said=$(debugfs -w -R "$1" "$image" 2>&1 >/dev/null | grep -v '^debugfs ' || true)
    [ -z "$said" ] || { echo "$1: $said" >&2; exit 1; }
}

# The device block of a block of a file.
block() { debugfs -R "bmap $1 $2" "$image" 2>/dev/null; }

# Bytes in hexadecimal to an offset of the image.
poke() { printf "$(sed 's/../\\x&/g' <<< "$2")" | dd of="$image" bs=1 seek="$1" conv=notrunc status=none; }

# A number as four bytes, little-endian, and as journals have it.
word() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/'; }
word_of_journal() { printf '%08x' "$1"; }

# A file of the given size, with contents, for debugfs's "write".
contents=$image.contents
trap 'rm -f "$contents"' EXIT
of_size() { head -c "$1" /dev/zero | tr '\0' x > "$contents"; }
