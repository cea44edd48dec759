#!/bin/sh
# Makes sure that IMAGE_PATH is the image with the digest IMAGE_SHA512: verifies it, or downloads it from IMAGE_URL. A download that was stopped
# goes on where it was; nothing has the final name before it is verified.
set -eu
umask 022

digest() { sha512sum <"$1" | cut -d ' ' -f 1; }
matches() { [ -f "$1" ] && [ "$(digest "$1")" = "$IMAGE_SHA512" ]; }
# Across redirections too: nothing may lead to plain HTTP.
download() {
  curl --fail --location --show-error --retry 3 --proto '=https,file' --proto-redir '=https' "$@" --output "$IMAGE_PATH.part" "$IMAGE_URL"
}

mkdir -p "$(dirname "$IMAGE_PATH")"
exec 9>"$IMAGE_PATH.lock"
flock 9

if matches "$IMAGE_PATH"; then
  exit 0
fi
if ! matches "$IMAGE_PATH.part"; then
  # What is there may be of another size, which the server refuses to continue.
  download --continue-at - || { rm -f "$IMAGE_PATH.part" && download; }
fi
if ! matches "$IMAGE_PATH.part"; then
  found=$(digest "$IMAGE_PATH.part")
  rm -f "$IMAGE_PATH.part"
  echo "$IMAGE_URL has the SHA-512 $found, but versions.yaml says $IMAGE_SHA512. Nothing was kept." >&2
  echo "Compare with the publisher's list and its signature before you change versions.yaml." >&2
  exit 1
fi
mv "$IMAGE_PATH.part" "$IMAGE_PATH"
