#!/bin/sh
# Destroys what Terraform made of this cluster, and nothing else: machines, networks, pool, and the data disks, which no other run touches. It asks
# for the cluster's name first; CONFIRM=name answers without a question.
set -eu
cd "$(dirname "$0")"
terraform=${TERRAFORM:-terraform}
name=$(python3 -c 'import json; print(json.load(open("../plan.json"))["cluster"]["name"])')

held=$("$terraform" state list)
if [ -z "$held" ]; then
  echo "Nothing is there: Terraform's state holds nothing of $name."
  exit 0
fi
echo "This destroys the cluster $name, for good:"
printf '%s\n' "$held" | sed -n 's/\.libvirt_domain\.this$//p; s/\.libvirt_volume\.this$/, with all that is on it/p' | sed 's/^/  /'
answer=${CONFIRM:-}
if [ -z "$answer" ]; then
  printf 'Type the name of the cluster to go on: '
  read -r answer || true
fi
if [ "$answer" != "$name" ]; then
  echo "That is not $name. Nothing was destroyed." >&2
  exit 1
fi

# Only a copy of these files may destroy data disks, so that no stopped run leaves that behind.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
mkdir "$scratch/terraform"
tar -cf - --exclude ./images --exclude ./.terraform --exclude ./.staging --exclude './*.tfstate*' . | tar -xf - -C "$scratch/terraform"
cp ../plan.json ../versions.yaml ../versions.user.yaml "$scratch/"
cat >"$scratch/terraform/modules/libvirt-data-disk/destroy_override.tf" <<'EOF'
resource "libvirt_volume" "this" {
  lifecycle {
    prevent_destroy = false
  }
}
EOF
TF_DATA_DIR=$PWD/.terraform "$terraform" -chdir="$scratch/terraform" destroy -auto-approve -input=false -state="$PWD/terraform.tfstate"
echo "Nothing of $name is left in libvirt. host/README.md says what is left on the hypervisor, and how to remove it."
