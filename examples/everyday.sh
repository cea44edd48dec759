#!/usr/bin/env bash
# A week with the demo: people work in all three repositories, answers change, a second machine works from clones.
# Nothing is refused, and no edit is lost. `make demo-everyday` runs it in demo/, with `fmc` on PATH.
set -euo pipefail

workspace=$PWD/workspace
second=$PWD/second
export GIT_AUTHOR_NAME='fmc demo' GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME='fmc demo' GIT_COMMITTER_EMAIL=demo@example.com

step() { printf '\n--- %s\n' "$1"; }
commit() { git -C "$1" add --all && git -C "$1" commit --quiet --message "$2"; }
contains() { grep --quiet --fixed-strings -- "$2" "$1" || { echo "$1 lost: $2" >&2 && exit 1; }; }
answer() { sed -i "s|^$1: .*|$1: $2|" answers.yaml && contains answers.yaml "$1: $2"; }

step 'Monday: work in all three repositories'
cd "$workspace"
printf '\nCall the people in docs/ before you reboot a master.\n' >>infra/README.md
printf 'generations = { worker1 = 2 }\n' >>infra/terraform/user.auto.tfvars
commit infra 'A rule of the house; worker1 anew'
printf 'deployment:\n  podAnnotations:\n    example.com/owner: ada\n' >>argocd/platform/traefik/values.user.yaml
mkdir --parents argocd/docs
printf '# People\n\nAda: mornings. Bo: evenings.\n' >argocd/docs/people.md
commit argocd 'Who is on duty'
sed -i 's/maxReplicas: 4/maxReplicas: 6/' apps/apps/hello/overlays/production/horizontalpodautoscaler.yaml
printf '\n# Open on Sundays.\n' >>apps/sources/hello/hello.py
commit apps 'Hello is open on Sundays'
fmc check
fmc push

step 'Tuesday: a colleague was faster'
git clone --quiet https://git.example.com/home/infra.git "$PWD/../colleague"
printf '\nThe spare disks are in the blue box.\n' >>../colleague/README.md
commit ../colleague 'Where the spare disks are'
git -C ../colleague push --quiet origin main
git -C infra pull --quiet --rebase

step 'Wednesday: another answer'
answer timezone Europe/Paris
fmc new --answers answers.yaml --yes --push

step 'Thursday: a second machine, from clones and a copy of the vault'
mkdir "$second"
cp answers.yaml vault.age "$second"
cd "$second"
for part in infra argocd apps; do git clone --quiet "https://git.example.com/home/$part.git" "$part"; done
printf '\nThe keys of the rack hang at the door.\n' >>infra/README.md
commit infra 'Where the keys are'
answer timezone Europe/Rome
fmc new --answers answers.yaml --yes --push
fmc check

step 'Friday: the first machine again, with another answer; the one of Thursday is not taken back'
cd "$workspace"
for part in infra argocd apps; do git -C "$part" pull --quiet --rebase; done
answer email lab@example.com
fmc new --answers answers.yaml --yes --push

step 'All edits are there, on both machines and in the remotes'
for part in infra argocd apps; do
  git -C "$second/$part" pull --quiet --rebase
  test "$(git -C "$part" rev-parse HEAD)" = "$(git -C "$second/$part" rev-parse HEAD)"
  test "$(git -C "$part" rev-parse HEAD)" = "$(git ls-remote "https://git.example.com/home/$part.git" main | cut -f1)"
done
contains apps/apps/hello/overlays/production/horizontalpodautoscaler.yaml 'maxReplicas: 6'
for text in 'before you reboot' 'in the blue box' 'hang at the door'; do contains infra/README.md "$text"; done
contains infra/terraform/user.auto.tfvars 'worker1 = 2'
contains argocd/platform/traefik/values.user.yaml 'example.com/owner: ada'
contains argocd/docs/people.md 'Bo: evenings'
contains apps/sources/hello/hello.py 'Open on Sundays'
contains infra/plan.json Europe/Rome
contains answers.yaml 'timezone: Europe/Rome'
contains infra/.copier-answers.yml lab@example.com
fmc check
echo 'Nothing was refused, and nothing lost.'
