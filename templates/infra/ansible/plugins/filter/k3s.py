"""What the roles of K3s ask about configurations and tokens, as filters of Ansible."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# What K3s compares when a server joins, and never again (CriticalControlArgs in its pkg/daemons/config/types.go), with its defaults.
# docs.k3s.io/cli/server: all servers need the same values. A cluster keeps them for life.
CRITICAL = {
    "cluster-cidr": "10.42.0.0/16",
    "cluster-dns": "",
    "cluster-domain": "cluster.local",
    "disable-cloud-controller": False,
    "disable-helm-controller": False,
    "disable-network-policy": False,
    "egress-selector-mode": "agent",
    "embedded-registry": False,
    "flannel-backend": "vxlan",
    "flannel-external-ip": False,
    "flannel-ipv6-masq": False,
    "secrets-encryption": False,
    "secrets-encryption-provider": "aescbc",
    "service-cidr": "10.43.0.0/16",
    "supervisor-metrics": False,
}
_SERVICE_BALANCER = "disable: servicelb"


def critical(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a config.yaml that all servers of a cluster must have in common, defaults filled in."""
    disabled = config.get("disable", [])
    disabled = disabled.split(",") if isinstance(disabled, str) else disabled
    return {**{key: config.get(key, default) for key, default in CRITICAL.items()}, _SERVICE_BALANCER: "servicelb" in disabled}


def stored_token(content: str) -> str:
    """Return the password of a token file of K3s: what stands behind `K10<digest>::<user>:`, or the whole.

    Args:
        content: The file, as Ansible's slurp gives it (base64).
    """
    text = base64.b64decode(content).decode().strip()
    return text.rpartition("::")[2].partition(":")[2] if text.startswith("K10") else text


def ready_servers(machines: Mapping[str, Mapping[str, Any]], servers: Sequence[str]) -> list[str]:
    """Return the servers that can speak for the cluster: this run has seen them ready, or a datastore on their disk.

    Args:
        machines: Ansible's hostvars.
        servers: The names of all servers.
    """
    ready = [name for name in servers if machines[name].get("k3s_server_ready")]
    members = [name for name in servers if machines[name].get("k3s_server_seen", {}).get("datastore") == "etcd"]
    return [*ready, *(name for name in members if name not in ready)]


def findings(machines: Mapping[str, Mapping[str, Any]], servers: Sequence[str]) -> list[str]:
    """Return what is in the way of building or changing the servers of a cluster, a sentence or two each.

    Args:
        machines: Ansible's hostvars; of each server that was looked at, `k3s_server_seen` says what was found there.
        servers: The names of all servers.
    """
    seen = {name: machines[name]["k3s_server_seen"] for name in servers if "k3s_server_seen" in machines[name]}
    return [*_restoring(seen), *_unseen(seen, servers), *_critical_findings(seen), *_token_findings(seen)]


def _restoring(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a restore was stopped when servers had nothing left to start from: the first one would found a cluster of its own."""
    reached = {name: one["restore"] for name, one in seen.items()}
    if "started" in reached.values() and "reset" not in reached.values():
        yield (
            f"A restore was stopped on {', '.join(name for name, state in reached.items() if state == 'started')}, after what the servers had "
            "was moved aside and before the snapshot was in place. Run `ansible-playbook playbooks/restore.yml` again. If you want back what was "
            "there, move it from /var/lib/rancher/k3s/restore to /var/lib/rancher/k3s/server on each server, and the file `state` there away."
        )


def _unseen(seen: Mapping[str, Any], servers: Sequence[str]) -> Iterator[str]:
    """Yield what stands against the founding of a cluster, where that is due."""
    missing = [name for name in servers if name not in seen]
    if missing and not any(one["datastore"] or one["answers"] for one in seen.values()):
        yield (
            f"{', '.join(missing)} can't be looked at, and no other server has a cluster: one may lie on that disk, and a second cluster would "
            "be founded beside it. Make the machine answer, or take it out of the answers."
        )
    for name, one in seen.items():
        if one["datastore"] == "sqlite":
            yield (
                f"{name} has a K3s of its own, on SQLite (/var/lib/rancher/k3s/server/db/state.db): it was once started without a token. "
                "If nothing on it is wanted, stop it there (`systemctl stop k3s`), move /var/lib/rancher/k3s away, and run this playbook again."
            )


def _critical_findings(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield differences in what all servers must have in common: K3s looks at them when a server joins, and never again."""
    first = next(iter(seen), "")
    for name, one in seen.items():
        for key, wanted in critical(one["wanted"]).items():
            common = critical(seen[first]["wanted"])[key]
            if wanted != common:
                yield f"{key} is to be {wanted} on {name} and {common} on {first}, and must be the same: look into their user.yml."
            live = critical(one["live"])[key] if one["datastore"] and one["live"] else wanted
            if live != wanted:
                yield (
                    f"{key} is {live} in the cluster that {name} is a member of, and is to be {wanted}. A cluster keeps it for life: "
                    "bring the answers or user.yml back to what it was."
                )


def _token_findings(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield tokens that are not the cluster's: a wrong one fails late, or joins with no settings compared."""
    remedy = (
        "Where you have replaced it, run `ansible-playbook playbooks/rotate-token.yml`. Otherwise bring back the vault that this cluster was "
        "made with. Without it, what stands behind the last colon of "
        "/var/lib/rancher/k3s/server/token (or agent-token) on a server goes into this one with `fmc secret set machines/k3s`."
    )
    for name, one in seen.items():
        for kind in one["foreign_tokens"]:
            yield f"The {kind} in the vault is not the one that the cluster on {name} was made with. {remedy}"
        for kind in one["refused_tokens"]:
            yield f"The API server that answers at {one['api']} refuses the {kind} of the vault. {remedy}"


def kubeconfig(text: str, server: str, name: str) -> str:
    """Return a kubeconfig of K3s for use from elsewhere: another address, and names that tell clusters apart.

    Args:
        text: The k3s.yaml of a server.
        server: URL of the API server.
        name: Name of the cluster, which user and context get, too.
    """
    # What Ansible hands over are texts with tags, which YAML does not write.
    server, name = str(server), str(name)
    config = yaml.safe_load(text)
    (cluster,), (user,) = config["clusters"], config["users"]
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {**cluster["cluster"], "server": server}}],
            "users": [{"name": name, "user": user["user"]}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
        sort_keys=False,
    )


def authority(text: str) -> str:
    """Return the authority's certificate that the first cluster of a kubeconfig names; "" if there is none."""
    try:
        config = yaml.safe_load(text)
        return str(config["clusters"][0]["cluster"].get("certificate-authority-data", ""))
    except (yaml.YAMLError, LookupError, TypeError, AttributeError):
        return ""


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "k3s_authority": authority,
            "k3s_findings": findings,
            "k3s_kubeconfig": kubeconfig,
            "k3s_ready_servers": ready_servers,
            "k3s_stored_token": stored_token,
        }
