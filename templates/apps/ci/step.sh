# shellcheck shell=sh
# What the steps that are shell have in common; each reads it at its start, and then stands in the folder that holds sources/.
#
# Exit codes are those of bump-image: 0 done, 1 something was found, 2 bad input, 3 a person has to decide, 4 a program or a server failed.

ci=$(cd "$(dirname "$0")" && pwd)
cd "$ci/.." || exit 4

# fail CODE WHAT-HAPPENED WHAT-TO-DO
fail() {
  printf '%s: %s\n  %s\n' "${0##*/}" "$2" "$3" >&2
  exit "$1"
}

# The head of a step is its help.
case " $* " in
  *' --help '* | *' -h '*)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

while IFS='=' read -r variable value; do
  case $variable in
    [A-Z]*)
      eval "said=\${$variable+yes}"
      # shellcheck disable=SC2154
      [ -n "$said" ] || export "$variable=$value"
      ;;
  esac
done <"$ci/settings.env"

# The app that a step was told to look at, and the folder in which steps leave what the next ones need.
name_app() {
  app=${1-}
  case $app in
    '' | *[!a-z0-9-]* | -* | *-) fail 2 "'$app' is no name of an app" 'Name a folder of sources/.' ;;
  esac
  [ -d "sources/$app" ] || fail 2 "there is no folder sources/$app" "Name one of: $(ls sources)."
  out=${CI_OUT:-out}/$app
  mkdir -p "$out"
}

# The commit that an image is built from: the last one that changed the app, or how it is built. So a build that was started by
# another app's commit gives the same image the same name.
source_commit() {
  [ "$(git rev-parse --is-shallow-repository)" = false ] ||
    fail 2 'the checkout is shallow, so that nobody knows which commit changed the app' 'Check the whole history out.'
  git log -1 --format=%H HEAD -- "sources/$app" ci
}

# The image that build-image pushed: NAME:TAG@DIGEST.
pushed_image() {
  [ -s "$out/image" ] || fail 2 "nothing was pushed for $app in this checkout" "Run \`ci/build-image $app --push\` first."
  cat "$out/image"
}
