#!/bin/sh
# Makes sure that IMAGE_PATH is the image with the digest IMAGE_SHA512, and downloads it from IMAGE_URL if it is not there. Terraform runs it for
# several machines at a time: the first one downloads, the others wait for it.
set -eu
umask 022

matches() {
  [ -f "$1" ] && [ "$(sha512sum <"$1" | cut -d ' ' -f 1)" = "$IMAGE_SHA512" ]
}

mkdir -p "$(dirname "$IMAGE_PATH")"
exec 9>"$IMAGE_PATH.lock"
flock 9

if matches "$IMAGE_PATH"; then
  exit 0
fi
# Across redirections too: nothing may lead to plain HTTP.
curl --fail --location --silent --show-error --retry 3 --proto '=https,file' --proto-redir '=https' --output "$IMAGE_PATH.part" "$IMAGE_URL"
if ! matches "$IMAGE_PATH.part"; then
  found=$(sha512sum <"$IMAGE_PATH.part" | cut -d ' ' -f 1)
  rm -f "$IMAGE_PATH.part"
  echo "$IMAGE_URL has the SHA-512 $found, but versions.yaml says $IMAGE_SHA512. Nothing was kept." >&2
  echo "Compare with the publisher's list and its signature before you change versions.yaml." >&2
  exit 1
fi
mv "$IMAGE_PATH.part" "$IMAGE_PATH"
