"""The bridge into the LAN: which card goes into it, how, and what is refused before anything changes."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Not imported: that would leave bytecode in the template.
MODULE = runpy.run_path(str(ROOT / "templates/infra/ansible/library/lan_bridge_facts.py"))
TASKS = ROOT / "templates/infra/ansible/roles/lan_bridge/tasks"
LAN = "192.168.0.0/24"
FILE = "/etc/systemd/network/10-lan.network"
STATE = f"# This is private data. Do not parse.\nADMIN_STATE=configured\nNETWORK_FILE={FILE}\n"
NETWORK = """\
[Match]
Name=en*

[Link]
MTUBytes=9000

[Network]
# From the installer.
Address=192.168.0.40/24
DNS=192.168.0.1
Gateway=192.168.0.1

[Route]
Destination=10.9.0.0/16
Gateway=192.168.0.9
"""


def link(name: str, *own: str, kind: str = "", **more: Any) -> dict[str, Any]:
    """Return a link as `ip -json -details address show` has it."""
    info = []
    for one in own:
        local, _, prefix = one.partition("/")
        family = "inet6" if ":" in local else "inet"
        info.append({"family": family, "local": local, "prefixlen": int(prefix), "scope": "global"})
    linkinfo = {"linkinfo": {"info_kind": kind}} if kind else {}
    return {"ifname": name, "ifindex": 2, "address": "52:54:00:01:02:03", "addr_info": info, **linkinfo, **more}


CARD = link("enp1s0", "192.168.0.40/24")
OTHER = link("enp2s0", "10.0.0.5/8")


class Host:
    """A host that never was, as the module's `System` is: links, files, and what its programs say."""

    def __init__(self, *links: dict[str, Any], files: Mapping[str, str], said: Mapping[str, str]) -> None:
        self.files = dict(files)
        self.commands: list[Sequence[str]] = []
        self.programs = {"ip -json -details address show": json.dumps(links), **said}

    def said(self, *command: str) -> str | None:
        self.commands.append(command)
        return self.programs.get(" ".join(command))

    def json(self, *command: str) -> Any:
        return json.loads(self.said(*command) or "[]")

    def text(self, path: str) -> str:
        return self.files.get(path, "")

    def exists(self, path: str) -> bool:
        return path in self.files

    def found(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if fnmatch(path, pattern))


def networkd(*links: dict[str, Any], text: str = NETWORK, **files: str) -> Host:
    """Return a host whose card systemd-networkd has."""
    given = {"/run/systemd/netif/links/2": STATE, FILE: text, **files}
    return Host(*links, files=given, said={"systemctl is-active systemd-networkd": "active\n"})


def manager(*links: dict[str, Any], **settings: str) -> Host:
    """Return a host whose card NetworkManager has, in a profile with some settings."""
    values = {
        "connection.type": "802-3-ethernet",
        "ipv4.method": "manual",
        "ipv4.addresses": "192.168.0.40/24",
        **settings,
    }
    said = {
        f"nmcli --escape no --get-values {key} connection show 1-2-3": f"{value}\n" for key, value in values.items()
    }
    said |= {
        "nmcli --get-values GENERAL.STATE device show enp1s0": "100 (connected)\n",
        "nmcli --get-values GENERAL.CON-UUID device show enp1s0": "1-2-3\n",
        "nmcli --escape no --get-values NAME connection show": "Wired connection 1\nlo\n",
    }
    return Host(*links, files={}, said=said)


def look(host: Host, bridge: str = "br0", card: str = "") -> dict[str, Any]:
    """Return what the module gives for a host, and see that it has only asked."""
    found = dict(MODULE["look"](host, bridge, LAN, card))
    for command in host.commands:
        assert not {"add", "delete", "set", "up", "modify", "reload"} & set(command), command
    return found


def written(script: str) -> dict[str, str]:
    """Return the files that a script writes, by running it in a folder of its own."""
    files: dict[str, str] = {}
    for content, name in re.findall(r"(?s)printf %s (.*?) >(/run/systemd/network/\S+)\n", script):
        files[name] = subprocess.run(
            ["sh", "-c", f"printf %s {content}"], capture_output=True, text=True, check=True
        ).stdout
    return files


# -- a bridge that is there --------------------------------------------------------------------------------------------


def test_a_bridge_that_is_there_with_a_card_is_left_alone() -> None:
    found = look(
        Host(link("br0", "192.168.0.40/24", kind="bridge"), link("enp1s0", master="br0"), OTHER, files={}, said={})
    )
    assert (found["present"], found["problems"]) == (True, [])


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ([link("br0", kind="bridge"), CARD], "no network card is in it"),
        ([link("br0", kind="bridge"), link("vnet0", kind="tun", master="br0"), CARD], "no network card is in it"),
        ([link("br0"), CARD], "br0 is no bridge"),
    ],
)
def test_one_that_leads_nowhere_is_refused(links: list[dict[str, Any]], said: str) -> None:
    (problem,) = look(Host(*links, files={}, said={}))["problems"]
    assert said in problem


# -- the card ----------------------------------------------------------------------------------------------------------


def test_the_card_is_the_one_with_an_address_in_the_lan_or_the_one_that_is_named() -> None:
    assert look(networkd(OTHER, CARD))["card"] == "enp1s0"
    assert look(networkd(OTHER, CARD), card="enp2s0")["card"] == "enp2s0"


@pytest.mark.parametrize(
    ("links", "card", "said"),
    [
        ([OTHER], "", "no network card has an address in 192.168.0.0/24 (enp2s0 has 10.0.0.5/8)"),
        ([CARD, link("enp3s0", "192.168.0.41/24")], "", "several network cards have an address in 192.168.0.0/24"),
        ([CARD], "eth7", "there is no network card eth7 here, but enp1s0"),
    ],
)
def test_without_one_card_nothing_is_done(links: list[dict[str, Any]], card: str, said: str) -> None:
    found = look(networkd(*links), card=card)
    assert said in found["problems"][0]
    assert "apply" not in found


@pytest.mark.parametrize(
    ("changes", "files", "said"),
    [
        ({"kind": "macvlan"}, {}, "is no network card, bond or VLAN but a macvlan"),
        ({"master": "bond0"}, {}, "is already a part of bond0"),
        ({}, {"/sys/class/net/enp1s0/upper_enp1s0.7": ""}, "carries enp1s0.7, which would be cut off"),
        ({}, {"/sys/class/net/enp1s0/phy80211": ""}, "is a wireless card"),
    ],
)
def test_a_link_that_no_bridge_can_take_in_is_refused(
    changes: dict[str, Any], files: dict[str, str], said: str
) -> None:
    (problem,) = look(networkd(link("enp1s0", "192.168.0.40/24", **changes), **files))["problems"]
    assert said in problem


def test_a_card_that_two_programs_have_or_none_is_refused() -> None:
    both = manager(CARD)
    both.files |= {"/run/systemd/netif/links/2": STATE, FILE: NETWORK}
    both.programs["systemctl is-active systemd-networkd"] = "active\n"
    (problem,) = look(both)["problems"]
    assert problem.startswith("NetworkManager and systemd-networkd have enp1s0, each of them")
    (problem,) = look(Host(CARD, files={}, said={}))["problems"]
    assert problem.startswith("neither NetworkManager nor systemd-networkd nor /etc/network/interfaces has enp1s0")
    # A networkd that was switched off has left its notes.
    stopped = networkd(CARD)
    del stopped.programs["systemctl is-active systemd-networkd"]
    assert look(stopped)["problems"] == [problem]


def test_a_change_that_is_being_tried_or_undone_is_waited_for() -> None:
    host = networkd(CARD)
    host.programs["systemctl is-active lan-bridge-rollback.timer lan-bridge-rollback.service"] = "active\ninactive\n"
    found = look(host)
    assert "the old state comes back by itself" in found["problems"][0]
    assert "apply" not in found


# -- systemd-networkd --------------------------------------------------------------------------------------------------


def test_networkd_gets_three_files_more_and_the_cards_own_is_not_touched() -> None:
    found = look(networkd(CARD))
    assert (found["problems"], found["addresses"], found["manager"]) == ([], ["192.168.0.40/24"], "systemd-networkd")
    files = written(found["apply"])
    assert sorted(files) == [f"/run/systemd/network/00-br0{end}" for end in ("-enp1s0.network", ".netdev", ".network")]
    assert "MACAddress=52:54:00:01:02:03\n" in files["/run/systemd/network/00-br0.netdev"]
    bridge = files["/run/systemd/network/00-br0.network"]
    assert bridge.split("\n", 1)[1] == (
        "[Match]\nName=br0\n\n"
        "[Network]\nAddress=192.168.0.40/24\nDNS=192.168.0.1\nGateway=192.168.0.1\n\n"
        "[Route]\nDestination=10.9.0.0/16\nGateway=192.168.0.9\n"
    )
    port = files["/run/systemd/network/00-br0-enp1s0.network"]
    assert "[Link]\nMTUBytes=9000\n" in port
    assert "Bridge=br0\n" in port
    assert "Address" not in port.replace("LinkLocalAddressing", "")
    for name in ("apply", "keep", "restore"):
        assert FILE not in re.sub(r"# Written by .*", "", found[name]), name


def test_what_is_added_to_the_file_moves_too() -> None:
    found = look(networkd(CARD, **{f"{FILE}.d/dns.conf".replace("/etc", "/run"): "[Network]\nDomains=lan\n"}))
    assert "[Network]\nDomains=lan\n" in written(found["apply"])["/run/systemd/network/00-br0.network"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NETWORK + "[Network]\nVLAN=lan.7\n", "carries more than addresses (VLAN=lan.7)"),
        (NETWORK + "[CAKE]\nBandwidth=1G\n", "has [CAKE], and where that belongs is not known here"),
        (
            NETWORK.replace("192.168.0.40/24", "192.168.0.41/24"),
            "has the address 192.168.0.40/24, which does not stand in",
        ),
    ],
)
def test_a_file_that_is_not_understood_is_refused(text: str, said: str) -> None:
    (problem,) = look(networkd(CARD, text=text))["problems"]
    assert said in problem


def test_a_file_that_would_win_and_one_that_is_left_are_refused() -> None:
    early = networkd(
        CARD,
        **{"/run/systemd/netif/links/2": STATE.replace("10-lan", "00-a"), "/etc/systemd/network/00-a.network": NETWORK},
    )
    (problem,) = look(early)["problems"]
    assert "comes before 00-br0.network" in problem
    (problem,) = look(networkd(CARD, **{"/etc/systemd/network/00-br0.netdev": ""}))["problems"]
    assert "there are files of a bridge that is not there, /etc/systemd/network/00-br0.netdev" in problem


def test_an_address_by_dhcp_needs_not_stand_in_the_file() -> None:
    leased = link("enp1s0", "192.168.0.40/24")
    leased["addr_info"][0]["dynamic"] = True
    assert look(networkd(leased, text="[Match]\nName=en*\n[Network]\nDHCP=yes\n"))["problems"] == []


@pytest.mark.parametrize(("name", "kind"), [("bond0", "bond"), ("enp1s0.7", "vlan")])
def test_a_bond_and_a_vlan_go_into_the_bridge_like_a_card_and_what_they_are_made_of_is_not_touched(
    name: str, kind: str
) -> None:
    below = link("enp1s0", **({"master": "bond0"} if kind == "bond" else {}))
    found = look(networkd(below, link(name, "192.168.0.40/24", kind=kind), text=NETWORK.replace("en*", name)))
    assert (found["problems"], found["card"]) == ([], name)
    files = written(found["apply"])
    assert f"[Match]\nName={name}\n" in files[f"/run/systemd/network/00-br0-{name}.network"]
    assert [path for path in files if name not in path] == [
        "/run/systemd/network/00-br0.netdev",
        "/run/systemd/network/00-br0.network",
    ]


# -- NetworkManager ----------------------------------------------------------------------------------------------------


def test_networkmanager_gets_two_connections_more_and_the_cards_own_is_not_touched() -> None:
    found = look(
        manager(
            CARD, **{"ipv4.dns": "192.168.0.1", "ipv4.routes": "10.9.0.0/16 192.168.0.9", "ipv4.gateway": "192.168.0.1"}
        )
    )
    assert (found["problems"], found["manager"]) == ([], "NetworkManager")
    added = [line for line in found["apply"].splitlines() if "connection add" in line]
    assert len(added) == 2
    # A trial: on no disk, and not by itself after a restart.
    assert all(line.startswith("nmcli connection add save no autoconnect no type ") for line in added)
    for words in (
        "bridge.mac-address 52:54:00:01:02:03",
        "ipv4.method manual ipv4.addresses 192.168.0.40/24",
        "ipv4.routes '10.9.0.0/16 192.168.0.9'",
        "ipv4.dns 192.168.0.1",
    ):
        assert words in added[0], words
    changed = re.findall(
        r"connection (modify|delete|down) (\S+)", "".join(found[name] for name in ("apply", "keep", "restore"))
    )
    assert {name for _, name in changed} == {"br0-bridge", "br0-port-enp1s0"}
    assert found["restore"].endswith("connection up 1-2-3\n")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"connection.type": "802-11-wireless"}, "is of the type 802-11-wireless"),
        ({"802-1x.eap": "peap"}, "logs in to its switch (802.1X)"),
    ],
)
def test_a_profile_that_is_not_understood_is_refused(settings: dict[str, str], said: str) -> None:
    (problem,) = look(manager(CARD, **settings))["problems"]
    assert said in problem


def test_a_connection_of_the_same_name_is_refused() -> None:
    host = manager(CARD)
    host.programs["nmcli --escape no --get-values NAME connection show"] = "br0-bridge\n"
    (problem,) = look(host)["problems"]
    assert "NetworkManager has a connection br0-bridge already" in problem


def made_of_others(kind: str, *links: dict[str, Any], **settings: str) -> Host:
    """Return a host with a bond or a VLAN that NetworkManager has."""
    device = {"bond": "bond0", "vlan": "enp1s0.7"}[kind]
    host = manager(*links, **{"connection.type": kind, **settings})
    for key in ("GENERAL.STATE", "GENERAL.CON-UUID"):
        of_card = f"nmcli --get-values {key} device show enp1s0"
        host.programs[of_card.replace("enp1s0", device)] = host.programs.pop(of_card)
    return host


def test_networkmanager_takes_a_vlan_in_with_its_number_and_flags() -> None:
    vlan = link("enp1s0.7", "192.168.0.40/24", kind="vlan", link="enp1s0")
    found = look(made_of_others("vlan", vlan, **{"vlan.id": "7", "vlan.flags": "1 (REORDER_HEADERS)"}))
    assert found["problems"] == []
    port = [line for line in found["apply"].splitlines() if "connection add" in line][1]
    assert "type vlan vlan.parent enp1s0 vlan.id 7 vlan.flags 1 con-name br0-port-enp1s0.7 ifname enp1s0.7" in port


def test_networkmanager_takes_a_bond_in_and_brings_its_cards_up_again_either_way() -> None:
    links = (link("bond0", "192.168.0.40/24", kind="bond"), link("enp1s0", master="bond0"))
    host = made_of_others("bond", *links, **{"bond.options": "mode=802.3ad,miimon=100"})
    host.programs["nmcli --get-values GENERAL.CON-UUID device show enp1s0"] = "4-5-6\n"
    host.programs["nmcli --escape no --get-values connection.master connection show 4-5-6"] = "bond0\n"
    found = look(host)
    assert found["problems"] == []
    assert "type bond bond.options mode=802.3ad,miimon=100 con-name br0-port-bond0 ifname bond0" in found["apply"]
    for name, before in (("apply", "connection up br0-port-bond0"), ("restore", "connection up 1-2-3")):
        assert found[name].index(before) < found[name].index("nmcli --wait 30 connection up 4-5-6")
    # A card that follows a certain connection would stay with that one.
    host.programs["nmcli --escape no --get-values connection.master connection show 4-5-6"] = "1-2-3\n"
    (problem,) = look(host)["problems"]
    assert "`nmcli connection modify 4-5-6 connection.master bond0`, then run this again" in problem


# -- ifupdown ----------------------------------------------------------------------------------------------------------

INTERFACES = """\
source /etc/network/interfaces.d/*
auto lo enp1s0
iface lo inet loopback

# The primary network interface
iface enp1s0 inet static
    address 192.168.0.40/24
    gateway 192.168.0.1
    dns-nameservers 192.168.0.1
iface enp1s0 inet6 auto
"""
BRIDGES = "/lib/bridge-utils/ifupdown.sh"


def ifupdown(*links: dict[str, Any], text: str = INTERFACES, **files: str) -> Host:
    """Return a host whose card stands in /etc/network/interfaces."""
    return Host(*links, files={"/etc/network/interfaces": text, BRIDGES: "", **files}, said={})


def test_ifupdown_is_pointed_to_another_file_and_its_own_changes_when_the_bridge_is_kept() -> None:
    found = look(ifupdown(CARD))
    assert (found["problems"], found["manager"]) == ([], "ifupdown")
    (trial,) = re.findall(r"(?s)printf %s '(.*)' >/run/lan-bridge/interfaces\n", found["apply"])
    assert trial.split("\n", 1)[1] == (
        "source /etc/network/interfaces.d/*\n"
        "auto lo\nauto br0\n"
        "iface lo inet loopback\n\n"
        "# The primary network interface\n"
        "iface br0 inet static\n"
        "    bridge_ports enp1s0\n    bridge_hw 52:54:00:01:02:03\n"
        "    bridge_stp off\n    bridge_fd 0\n    bridge_maxwait 10\n"
        "    address 192.168.0.40/24\n    gateway 192.168.0.1\n    dns-nameservers 192.168.0.1\n"
        "iface br0 inet6 auto\n"
        "\niface enp1s0 inet manual\n"
    )
    assert ">/etc" not in found["apply"]
    assert found["apply"].endswith("ifup --interfaces=/run/lan-bridge/interfaces br0\n")
    before = "/etc/network/interfaces.before-br0"
    assert found["keep"].index(f"cp -a /etc/network/interfaces {before}") < found["keep"].index(">/etc/network")
    assert f"mv -f {before} /etc/network/interfaces" in found["restore"]
    assert found["restore"].endswith("ifup --force enp1s0\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": INTERFACES + "    up ip rule add from all lookup 7\n"}, "(up ip rule add from all lookup 7)"),
        ({"text": INTERFACES + INTERFACES}, "has 2 stanzas `iface enp1s0 inet`"),
        ({"/etc/network/interfaces.before-br0": ""}, "of an earlier bridge: move it away"),
    ],
)
def test_a_stanza_that_is_not_understood_is_refused(changes: dict[str, str], said: str) -> None:
    (problem,) = look(ifupdown(CARD, **changes))["problems"]
    assert said in problem


def test_ifupdown_without_its_bridges_and_a_bond_of_it_are_refused_with_the_way_out() -> None:
    host = ifupdown(CARD)
    del host.files[BRIDGES]
    assert "`sudo apt-get install bridge-utils`" in look(host)["problems"][0]
    bond = ifupdown(link("bond0", "192.168.0.40/24", kind="bond"), text=INTERFACES.replace("enp1s0", "bond0"))
    assert "make the bridge over it in /etc/network/interfaces yourself" in look(bond)["problems"][0]


# -- the trial ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [networkd, manager, ifupdown])
def test_the_scripts_are_shell_and_undo_what_they_keep(host: Callable[..., Host]) -> None:
    found = look(host(CARD))
    for name in ("apply", "keep", "restore"):
        subprocess.run(["sh", "-n"], input=found[name], text=True, check=True)
    # What was kept just before the time was up goes, too.
    for path in re.findall(r"(/etc/systemd/network/\S+)$", found["keep"], re.M):
        assert path in found["restore"]
    assert found["keep"].splitlines()[3] == "systemctl is-active --quiet lan-bridge-rollback.timer"


def test_a_bridge_has_taken_over_where_it_has_card_addresses_and_gateway() -> None:
    def missing(*links: dict[str, Any], ping: bool = True) -> list[str]:
        said = {"ping -c 2 -W 1 -I br0 192.168.0.1": ""} if ping else {}
        return list(
            MODULE["tried"](Host(*links, files={}, said=said), "br0", "enp1s0", ["192.168.0.40/24"], "192.168.0.1")
        )

    bridge, port = link("br0", "192.168.0.40/24", kind="bridge"), link("enp1s0", master="br0")
    assert missing(bridge, port) == []
    assert missing(bridge, port, ping=False) == ["the gateway 192.168.0.1 does not answer"]
    assert missing(link("br0", kind="bridge"), port) == ["br0 has not the address 192.168.0.40/24"]
    assert missing(bridge, link("enp1s0", "192.168.0.40/24")) == [
        "enp1s0 is not in br0",
        "enp1s0 still has the address 192.168.0.40/24",
    ]


def test_the_way_back_is_open_before_anything_changes_and_closed_after_a_new_connection() -> None:
    """Hazard B34."""
    (tasks,) = documents(TASKS / "try.yml")
    outer = [task["name"] for task in tasks]
    armed, made = (
        outer.index("Have the old state come back by itself"),
        outer.index("Make the bridge, apart from this connection"),
    )
    assert armed < made < len(outer) - 1
    inner = [task["name"] for task in tasks[-1]["block"]]
    assert inner == [
        "Forget the present connection",
        "Connect",
        "See that the bridge has taken over",
        "Go on only where it did",
        "Keep the bridge",
        "Let the old state be",
    ]
    (steps,) = documents(TASKS / "bridge.yml")
    refused = [task["name"] for task in steps].index("Refuse what can't be done safely")
    assert refused < [task["name"] for task in steps].index("Make the bridge")
