"""The rules on answers, each with its sentence; they are judged in `lib/` and in this room.

A rule on the value of one answer is called after its question, and where it is about a field inside, after that, too:
`answers/networks-cidr`. Its sentence is the question's own help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.findings import Rule, Severity, declare

if TYPE_CHECKING:
    from generator.answers.questionnaire import Questionnaire

FAMILY = "answers/"

ERRORS = {
    "address-dhcp": "A fixed address lies outside the range that a DHCP server hands out.",
    "address-duplicate": "An address belongs to one machine or one virtual address.",
    "address-gateway": "No machine has the address of its network's gateway.",
    "address-missing": "A further machine names its address.",
    "address-outside": "An address lies in the network that its machine is in.",
    "address-reserved": "Nobody has the first or the last address of a network.",
    "bridge-duplicate": "Each network has a bridge of its own.",
    "choice": "An answer is one of the choices of its question.",
    "ci-jenkins": "What runs the pipeline is there: Jenkins is a component.",
    "cidr-overlap": "Networks, pods and services have ranges that do not overlap.",
    "counts-room": "The network of a role has addresses for all of its machines.",
    "cpus-floor": "A machine has the CPUs that the software of its role needs.",
    "ddns-incomplete": "Public names that follow an address have a zone, and there is one at least.",
    "ddns-in-zone": "Public names that follow an address lie in their zone, and none stands twice.",
    "dhcp-gateway": "The DHCP range leaves the gateway out.",
    "dhcp-half": "A DHCP range has both of its ends.",
    "dhcp-order": "A DHCP range starts before it ends.",
    "dhcp-outside": "A DHCP range lies in its network.",
    "disk-floor": "A machine has the disks that the software of its role needs.",
    "dns-inside": "The name servers to ask have no address of pods or services.",
    "dns-own": "The name servers to ask lie outside of this cluster.",
    "edge-cidr": "The range of a LAN stands in the answer edge alone.",
    "existing-incomplete": "Of a cluster that is there already is said what the platform has to know.",
    "existing-infra": "A cluster that is there already has no part infra.",
    "existing-storage": "Where volumes are kept in a cluster that is there already, a StorageClass of it is named.",
    "exposure-certificates": "A public cluster has certificates that browsers trust, and a way to get them.",
    "exposure-clients": "A public cluster sees from where its visitors come: its own networks may more.",
    "exposure-domain": "A public cluster has a domain that public DNS knows.",
    "exposure-nat": "What lies behind the NAT of libvirt is not meant to be reached from the Internet.",
    "forge-webhook": "A webhook of the Git server has a way in to Argo CD.",
    "gateway-outside": "A gateway is an address of its network.",
    "git-host": "The host keys of Git are those of the server that Argo CD reads from.",
    "git-mixed": "Argo CD reads all repositories over addresses of one kind.",
    "git-read": "The way in which Argo CD reads Git fits the Git URL.",
    "group-reserved": "A further machine is in no group of other machines.",
    "host-address": "The address of a hypervisor lies in the LAN and belongs to nobody else there.",
    "host-cpus": "The machines of a host together take no more CPUs than it has.",
    "host-disk": "The machines of a host together take no more disk than it has.",
    "host-memory": "The machines of a host together take no more memory than it has.",
    "host-unknown": "The host that a machine names stands in hosts.",
    "host-retired": "No machine is planned on a hypervisor that is retired.",
    "hosts-several": "Machines that are not in the LAN are on one hypervisor.",
    "kured-window": "The hours in which nodes are restarted begin before they end, on the same day.",
    "longhorn-disks": "Where Longhorn keeps volumes, machines that take pods have data disks.",
    "longhorn-replicas": "There are as many machines with a data disk as Longhorn makes copies of a volume.",
    "image-mirror-incomplete": "A mirror of images has an address.",
    "jenkins-storage": "The volume of Jenkins is reached from more than one node, where there are several.",
    "mac-duplicate": "A MAC address belongs to one machine.",
    "machine-unknown": "The machine that an answer names is in the plan.",
    "mail-incomplete": "Mail has a server that takes it, and only mail has one.",
    "masters-odd": "A highly available cluster has an odd number of masters, at most 7.",
    "masters-single": "Profile single has exactly one master.",
    "memory-floor": "A machine has the memory that the software of its role needs.",
    "name-duplicate": "No two machines have one name.",
    "name-reserved": "No machine is called like a service of the cluster, or like a group of Ansible.",
    "network-small": "A network has room for its machines and its DHCP range.",
    "nfs-storage": "Where volumes are on a storage machine, there is one.",
    "number": "A number is written in plain digits.",
    "pod-cidr": "The pods' range has a /24 for each node.",
    "repeated": "An answer is given once.",
    "repository-duplicate": "Each part has a repository of its own.",
    "requests-cpus": "The machines that run pods have the CPUs that the components ask for.",
    "requests-memory": "The machines that run pods have the memory that the components ask for.",
    "required": "A question without a default is answered.",
    "role-empty": "A profile has at least one machine of each role that it needs.",
    "role-fixed": "A machine of the profile keeps its role, and what follows from it.",
    "role-missing": "A further machine names its role.",
    "server-inside": "The servers that the cluster is built from have no address of pods or services.",
    "server-own": "The servers that the cluster is built from lie outside of it.",
    "service-cidr": "The services' range is one that the API server takes.",
    "type": "An answer has the type that its question asks for.",
    "unknown": "There is a question for each answer.",
    "unused": "There is something in the profile that an answer is about.",
    "value": "A value can be read as what its form says.",
    "vpn-endpoint-inside": "Peers find the server of WireGuard from outside of the networks behind it.",
    "vpn-incomplete": "A way in by WireGuard has a place where peers find it, and a peer at least.",
    "vpn-nat": "What lies behind the NAT of libvirt is no way in.",
    "vpn-peer": "A peer has an address of its own in the network of WireGuard.",
    "vpn-port-taken": "WireGuard has a port that nothing else on its machine has.",
    "vpn-server": "The server of WireGuard is a closed machine, none of Kubernetes.",
    "vrid": "A virtual router has a number from 1 to 255.",
    "vrid-duplicate": "Each virtual address has a virtual router of its own.",
}
WARNINGS = {
    "dhcp-unknown": "The range that a LAN's router hands out is declared.",
    "existing-networks": "Somebody reaches what belongs to the platform where the Internet does not.",
    "git-plain": "Git is read over an encrypted connection.",
    "host-address-unknown": "The hypervisor's own address is known where machines of the LAN go through it.",
    "host-unused": "Some machine is on each host.",
    "jenkins-known-hosts": "Jenkins knows the host keys of the server that it reads over SSH.",
    "masters-one": "A highly available cluster has more than one master.",
    "monitoring-nfs": "Prometheus has a volume of another kind than NFS.",
    "wait-untrusted": "Jenkins's builds that wait for Argo CD trust its certificate.",
}
for _rules, _severity in ((ERRORS, Severity.ERROR), (WARNINGS, Severity.WARNING)):
    for _name, _says in _rules.items():
        declare(f"{FAMILY}{_name}", _says, _severity)


def value_rules(questionnaire: Questionnaire) -> list[Rule]:
    """Return the rules on the values of single answers, one for each question.

    Args:
        questionnaire: The template's questions.
    """
    return [
        Rule(f"{FAMILY}{question.name.replace('_', '-')}", f"{question.help.rstrip('.')}.")
        for question in questionnaire.questions
    ]
