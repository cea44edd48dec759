#!/bin/sh
exec "$(dirname "$0")/buildkit" "$@"
