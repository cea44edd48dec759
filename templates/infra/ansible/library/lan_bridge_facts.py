#!/usr/bin/python
"""Say how a network card can become a part of a bridge, and what is against it. Changes nothing."""

from __future__ import annotations

import glob
import ipaddress
import json
import os
import shlex

DOCUMENTATION = r"""
module: lan_bridge_facts
short_description: Says how a network card can become a part of a bridge, and what is against it
description:
  - Reads the kernel's links and what NetworkManager, systemd-networkd or ifupdown have of the card, which may be a bond or a VLAN.
    Nothing is changed.
  - Gives scripts that make the bridge for a trial, keep it, and restore what was there; none where something is against it.
options:
  bridge:
    description: Name of the bridge.
    type: str
    required: true
  network:
    description: The network that the bridge leads into; the card is the one that has an address there.
    type: str
    required: true
  card:
    description: The card, where it is to be another one.
    type: str
    default: ""
  trial:
    description: What the bridge must have by now (C(card), C(addresses), C(gateway)); what is missing of that is all that is given then.
    type: dict
    default: {}
"""

RUN, ETC = "/run/systemd/network", "/etc/systemd/network"
PLACES = ("/usr/lib/systemd/network", "/usr/local/lib/systemd/network", RUN, ETC)
# What belongs to the addresses of a link, and goes where they go. A file with anything else is not understood here.
MOVING = ("Network", "Address", "Neighbor", "Route", "RoutingPolicyRule", "NextHop", "DHCP", "DHCPv4", "DHCPv6", "IPv6AcceptRA")
STAYING = ("Match", "Link")
STACKING = ("Bond", "Bridge", "VLAN", "VRF", "MACVLAN", "MACVTAP", "IPVLAN", "IPVTAP", "VXLAN", "Tunnel", "MACsec", "BatmanAdvanced")
# What a profile of NetworkManager has of the same; all of it is copied.
PROFILE = (
    *("ipv4.method", "ipv4.addresses", "ipv4.gateway", "ipv4.routes", "ipv4.route-metric", "ipv4.route-table", "ipv4.routing-rules"),
    *("ipv4.dns", "ipv4.dns-search", "ipv4.dns-options", "ipv4.dns-priority", "ipv4.ignore-auto-routes", "ipv4.ignore-auto-dns"),
    *("ipv4.dhcp-client-id", "ipv4.dhcp-hostname", "ipv4.dhcp-send-hostname", "ipv4.never-default", "ipv4.may-fail"),
    *("ipv6.method", "ipv6.addresses", "ipv6.gateway", "ipv6.routes", "ipv6.route-metric", "ipv6.route-table", "ipv6.routing-rules"),
    *("ipv6.dns", "ipv6.dns-search", "ipv6.dns-options", "ipv6.dns-priority", "ipv6.ignore-auto-routes", "ipv6.ignore-auto-dns"),
    *("ipv6.ip6-privacy", "ipv6.addr-gen-mode", "ipv6.never-default", "ipv6.may-fail", "connection.zone"),
)
ROLLBACK = ("lan-bridge-rollback.timer", "lan-bridge-rollback.service")
# Nothing is kept that is being undone already.
UNDONE = "systemctl is-active --quiet " + ROLLBACK[0]
# A network card, or the end of a cable between namespaces; and what is made of cards and carries frames as they do, with what NetworkManager
# calls each.
CARDS = ("", "veth")
PORTS = {"": "802-3-ethernet", "veth": "802-3-ethernet", "bond": "bond", "vlan": "vlan"}
INTERFACES = "/etc/network/interfaces"
IFUPDOWN_BRIDGES = "/lib/bridge-utils/ifupdown.sh"
# What belongs to the addresses of a stanza there, and goes where they go.
STANZA = ("address", "netmask", "broadcast", "gateway", "network", "metric", "mtu", "hostname", "pointopoint", "scope", "accept_ra", "autoconf")


class System:
    """The machine, as its programs and its kernel tell of it."""

    def __init__(self, run):
        """Keep what runs a command: a function from its words to exit code, output and errors."""
        self._run = run

    def said(self, *command):
        """Return what a program prints, or None where it fails or is not there."""
        code, out, _ = self._run(list(command))
        return out if code == 0 else None

    def json(self, *command):
        """Return what a program prints as JSON; nothing where it fails."""
        said = self.said(*command)
        return json.loads(said) if said and said.strip() else []

    def text(self, path):
        """Return a file's text, "" where there is none."""
        try:
            with open(path) as stream:
                return stream.read()
        except OSError:
            return ""

    def exists(self, path):
        """Tell whether there is a file or folder."""
        return os.path.exists(path)

    def found(self, pattern):
        """Return the paths that match a pattern, in order."""
        return sorted(glob.glob(pattern))


def look(system, bridge, network, card):
    """Return what there is to know, as the module gives it."""
    if system.said("systemctl", "is-active", *ROLLBACK) is not None:
        begun = "a run before this one was ended while it made the bridge; the old state comes back by itself: wait for two minutes, and run it again"
        return {"present": False, "problems": [begun]}
    links = {row["ifname"]: row for row in system.json("ip", "-json", "-details", "address", "show")}
    ports = [name for name, row in links.items() if row.get("master") == bridge]
    if bridge in links:
        row = links[bridge]
        problems = []
        if kind(row) != "bridge":
            problems.append("%s is no bridge, but another interface of this host; call the bridge otherwise in the answers (hosts)" % bridge)
        elif not [name for name in ports if kind(links[name]) in CARDS + ("bond", "vlan", "team")]:
            problems.append(
                "the bridge %s is there, and no network card is in it: put the one into it that leads into your LAN, or remove the bridge" % bridge
            )
        return {"present": True, "ports": ports, "addresses": addresses(row), "problems": problems}
    chosen, problems = choose(links, network, card)
    if problems:
        return {"present": False, "problems": problems}
    row = links[chosen]
    problems = unfit(system, row)
    found = managers(system, chosen, row["ifindex"])
    if len(found) > 1:
        problems.append("%s have %s, each of them; leave it to one" % (" and ".join(found), chosen))
    if not found:
        problems.append("neither NetworkManager nor systemd-networkd nor %s has %s: let one of them set it up first" % (INTERFACES, chosen))
    # What a router gave for a time comes back when it speaks next.
    stays = [one for one in addresses(row) if ":" not in one or one in lasting(row)]
    result = {"present": False, "card": chosen, "addresses": stays, "manager": " and ".join(found), "problems": problems}
    if len(found) == 1:
        ways = {"NetworkManager": by_networkmanager, "systemd-networkd": by_networkd, "ifupdown": by_ifupdown}
        more, scripts = ways[found[0]](system, bridge, row)
        problems += more
        result.update(scripts)
    result["gateway"] = gateway(system, chosen)
    return result


def kind(row):
    """Return what a link is made as; "" for a network card."""
    return row.get("linkinfo", {}).get("info_kind", "")


def addresses(row):
    """Return the addresses of a link that others reach it by, with their prefixes."""
    return ["%s/%d" % (one["local"], one["prefixlen"]) for one in row.get("addr_info", []) if one.get("scope") == "global"]


def lasting(row):
    """Return those that no server and no router gave it for a time."""
    given = {"dynamic", "mngtmpaddr", "temporary"}
    return [
        "%s/%d" % (one["local"], one["prefixlen"])
        for one in row.get("addr_info", [])
        if one.get("scope") == "global" and not given & {key for key in one if one[key] is True}
    ]


def choose(links, network, card):
    """Return the card, or what is against there being one."""
    if card:
        return (card, []) if card in links else ("", ["there is no network card %s here, but %s" % (card, ", ".join(sorted(set(links) - {"lo"})))])
    wanted = ipaddress.ip_network(network)
    fitting = [
        name for name, row in sorted(links.items()) if any(ipaddress.ip_interface(address).ip in wanted for address in addresses(row))
    ]
    if len(fitting) == 1:
        return fitting[0], []
    there = "; ".join("%s has %s" % (name, ", ".join(addresses(row)) or "no address") for name, row in sorted(links.items()) if name != "lo")
    count = "several network cards have" if fitting else "no network card has"
    return "", ["%s an address in %s (%s); name the one that leads into your LAN as lan_bridge_card in group_vars/hypervisors/user.yml" % (count, network, there)]


def unfit(system, row):
    """Return why a link can't be taken into a bridge."""
    name, problems = row["ifname"], []
    folder = "/sys/class/net/" + name
    if system.exists(folder + "/wireless") or system.exists(folder + "/phy80211"):
        problems.append("%s is a wireless card, which no bridge can take in" % name)
    if kind(row) not in PORTS:
        problems.append("%s is no network card, bond or VLAN but a %s: make the bridge over it yourself" % (name, kind(row)))
    if row.get("master"):
        problems.append("%s is already a part of %s" % (name, row["master"]))
    above = [os.path.basename(path)[len("upper_") :] for path in system.found(folder + "/upper_*")]
    if above and not row.get("master"):
        problems.append("%s carries %s, which would be cut off: make the bridge yourself" % (name, ", ".join(above)))
    return problems


def managers(system, card, index):
    """Return the programs that have a card."""
    found = []
    state = system.said("nmcli", "--get-values", "GENERAL.STATE", "device", "show", card) or ""
    if state.strip() and not state.startswith(("0", "10 ")):
        found.append("NetworkManager")
    # What it wrote there outlives it.
    runs = (system.said("systemctl", "is-active", "systemd-networkd") or "").strip() == "active"
    of_networkd = settings(system.text("/run/systemd/netif/links/%d" % index))
    if runs and of_networkd.get("ADMIN_STATE", "unmanaged") not in ("unmanaged", "initialized", "pending"):
        found.append("systemd-networkd")
    if [words for words in stanzas(system.text(INTERFACES)) if words[:2] == ["iface", card]]:
        found.append("ifupdown")
    return found


def settings(text):
    """Return the lines KEY=value of a file."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def gateway(system, card):
    """Return the gateway behind a card that answers, or ""."""
    for route in system.json("ip", "-json", "-4", "route", "show", "default", "dev", card):
        if "gateway" in route and answers(system, card, route["gateway"]):
            return route["gateway"]
    return ""


def answers(system, device, address):
    """Tell whether an address answers: by ping, or else as a neighbour that was heard of just now."""
    if system.said("ping", "-c", "2", "-W", "1", "-I", device, address) is not None:
        return True
    rows = system.json("ip", "-json", "neighbor", "show", address, "dev", device)
    return any("REACHABLE" in row.get("state", []) for row in rows)


def tried(system, bridge, card, wanted, router):
    """Return what is not yet as it has to be after the change: [] where all is well."""
    links = {row["ifname"]: row for row in system.json("ip", "-json", "-details", "address", "show")}
    missing = []
    if links.get(card, {}).get("master") != bridge:
        missing.append("%s is not in %s" % (card, bridge))
    there = addresses(links.get(bridge, {}))
    missing += ["%s has not the address %s" % (bridge, address) for address in wanted if address not in there]
    left = [address for address in addresses(links.get(card, {})) if ":" not in address]
    missing += ["%s still has the address %s" % (card, address) for address in left]
    if router and not answers(system, bridge, router):
        missing.append("the gateway %s does not answer" % router)
    return missing


# -- systemd-networkd --------------------------------------------------------------------------------------------------


def by_networkd(system, bridge, row):
    """Return what is against a bridge by systemd-networkd, and the scripts."""
    card, problems = row["ifname"], []
    state = settings(system.text("/run/systemd/netif/links/%d" % row["ifindex"]))
    file = state.get("NETWORK_FILE", "")
    if not file:
        return ["systemd-networkd has no file for %s" % card], {}
    name = os.path.basename(file)
    names = ["00-%s.netdev" % bridge, "00-%s.network" % bridge, "00-%s-%s.network" % (bridge, card)]
    if name <= max(names):
        problems.append("%s comes before %s in the order of names, so that it would win: rename it" % (file, max(names)))
    # A trial lies below /run, so that a restart ends it; what lies below /etc would win over it.
    kept = [place + "/" + one for place in (ETC, RUN) for one in names if system.exists(place + "/" + one)]
    if kept:
        problems.append("there are files of a bridge that is not there, %s: remove them, or `networkctl reload`" % ", ".join(kept))
    parts = sections(system.text(file))
    for place in PLACES:
        for more in system.found("%s/%s.d/*.conf" % (place, name)):
            parts += sections(system.text(more))
    unknown = sorted({title for title, _ in parts} - set(MOVING) - set(STAYING))
    if unknown:
        problems.append("%s has [%s], and where that belongs is not known here: make the bridge yourself" % (file, "], [".join(unknown)))
    lines = [line for title, body in parts if title == "Network" for line in body]
    stacked = [line for line in lines if line.split("=")[0].strip() in STACKING]
    if stacked:
        problems.append("%s carries more than addresses (%s): make the bridge yourself" % (card, ", ".join(stacked)))
    bodies = [line for title, body in parts if title in ("Network", "Address") for line in body]
    written = [value.strip() for key, _, value in (line.partition("=") for line in bodies) if key.strip() == "Address"]
    if not [line for line in lines if line.replace(" ", "").startswith("DHCP=") and not line.endswith(("no", "false"))]:
        loose = [one for one in lasting(row) if one not in written and one.split("/")[0] not in written]
        if loose:
            problems.append("%s has the address %s, which does not stand in %s and would be lost: write it there" % (card, ", ".join(loose), file))
    note = "# Written by Ansible (role lan_bridge), from %s.\n" % file
    moved = [part for part in parts if part[0] in MOVING]
    if not any(title == "Network" for title, _ in moved):
        moved.insert(0, ("Network", ["LinkLocalAddressing=no"]))
    contents = [
        note + "[NetDev]\nName=%s\nKind=bridge\nMACAddress=%s\n\n[Bridge]\nSTP=no\nForwardDelaySec=0\n" % (bridge, row["address"]),
        note + "[Match]\nName=%s\n\n" % bridge + joined(moved),
        note + "[Match]\nName=%s\n\n" % card
        + joined([part for part in parts if part[0] == "Link"] + [("Network", ["Bridge=" + bridge, "LinkLocalAddressing=no"])]),
    ]
    apply = ["mkdir -p " + RUN]
    for one, content in zip(names, contents):
        apply.append("printf %%s %s >%s/%s" % (shlex.quote(content), RUN, one))
        apply.append("chmod 0644 %s/%s" % (RUN, one))
    # Kept already, or not yet: what is undone is gone. A bridge that never came about can't be deleted, and the way back goes on without that.
    restore = ["rm -f " + " ".join("%s/%s" % (place, one) for place in (RUN, ETC) for one in names)]
    restore += ["ip link delete %s type bridge || true" % bridge, "networkctl reload", "networkctl reconfigure " + card, "ip link set %s up" % card]
    keep = [UNDONE] + ["install -D -m 0644 %s/%s %s/%s" % (RUN, one, ETC, one) for one in names]
    return problems, {
        "apply": script([*apply, "networkctl reload"]),
        "restore": script(restore),
        "keep": script(keep),
    }


def sections(text):
    """Return the sections of a file of systemd's, each with its lines; comments are left out."""
    found = []
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            found.append((line[1:-1], []))
        elif line and line[0] not in "#;" and found:
            found[-1][1].append(line)
    return found


def joined(parts):
    """Return sections as a file has them."""
    return "\n".join("[%s]\n%s" % (title, "".join(line + "\n" for line in body)) for title, body in parts)


# -- NetworkManager ----------------------------------------------------------------------------------------------------


def by_networkmanager(system, bridge, row):
    """Return what is against a bridge by NetworkManager, and the scripts."""
    card = row["ifname"]
    profile = (system.said("nmcli", "--get-values", "GENERAL.CON-UUID", "device", "show", card) or "").strip()
    if not profile:
        return ["NetworkManager has no active connection on %s" % card], {}
    problems = []
    show = ("nmcli", "--escape", "no", "--get-values")
    sort = (system.said(*show, "connection.type", "connection", "show", profile) or "").strip()
    if sort != PORTS.get(kind(row)):
        problems.append("the connection of %s is of the type %s: make the bridge yourself" % (card, sort))
    if (system.said(*show, "802-1x.eap", "connection", "show", profile) or "").strip():
        problems.append("%s logs in to its switch (802.1X): make the bridge yourself" % card)
    names = ["%s-bridge" % bridge, "%s-port-%s" % (bridge, card)]
    present = (system.said("nmcli", "--escape", "no", "--get-values", "NAME", "connection", "show") or "").splitlines()
    taken = [name for name in names if name in present]
    if taken:
        problems.append("NetworkManager has a connection %s already, whose bridge is not there: bring it up or remove it" % ", ".join(taken))
    options = []
    for setting in PROFILE:
        # Asked for one by one: not every version knows all of them, and a value may have several lines.
        value = (system.said(*show, setting, "connection", "show", profile) or "").strip()
        if value and value != "--":
            options += [setting, value.replace(" | ", ",").replace("\n", ",")]
    # Activated once, by name and for the trial alone: neither is on disk, and neither comes up by itself.
    add = "nmcli connection add save no autoconnect no "
    words = ["type", "bridge", "con-name", names[0], "ifname", bridge, "bridge.stp", "no", "bridge.mac-address", row["address"], *options]
    apply = [add + " ".join(map(shlex.quote, words))]
    more, port, below = port_of_networkmanager(system, row, profile)
    problems += more
    words = [*port, "con-name", names[1], "ifname", card, "master", bridge, "slave-type", "bridge"]
    apply.append(add + " ".join(map(shlex.quote, words)))
    apply.append("nmcli --wait 30 connection up " + shlex.quote(names[1]))
    # They went down with the connection that had the bond, and come into whichever has it now.
    apply += ["nmcli --wait 30 connection up " + one for one in below]
    # What a trial did not get to make can't be deleted, and the way back goes on without that.
    restore = ["nmcli connection delete %s || true" % shlex.quote(name) for name in reversed(names)]
    restore += ["ip link delete %s type bridge 2>/dev/null || true" % bridge, "nmcli --wait 30 connection up " + profile]
    restore += ["nmcli --wait 30 connection up " + one for one in below]
    # The old connection stays as it is: of two for one card the one with the higher priority comes up.
    keep = [
        UNDONE,
        "nmcli connection modify %s connection.autoconnect yes connection.autoconnect-slaves 1" % shlex.quote(names[0]),
        "nmcli connection modify %s connection.autoconnect yes connection.autoconnect-priority 999" % shlex.quote(names[1]),
    ]
    return problems, {"apply": script(apply), "restore": script(restore), "keep": script(keep)}


def port_of_networkmanager(system, row, profile):
    """Return what is against a port of a bridge, how `nmcli connection add` makes it, and the profiles of the cards in a bond."""
    card = row["ifname"]

    def value(setting, of=profile):
        return (system.said("nmcli", "--escape", "no", "--get-values", setting, "connection", "show", of) or "").strip()

    if kind(row) == "vlan":
        parent = row.get("link", "")
        flags = value("vlan.flags").split(" ")[0]
        words = ["type", "vlan", "vlan.parent", parent, "vlan.id", value("vlan.id"), *(["vlan.flags", flags] if flags else [])]
        return [] if parent else ["what %s is a VLAN of can't be told: make the bridge yourself" % card], words, []
    if kind(row) != "bond":
        return [], ["type", "ethernet"], []
    links = {one["ifname"]: one for one in system.json("ip", "-json", "-details", "address", "show")}
    problems, below = [], []
    for name in sorted(name for name, one in links.items() if one.get("master") == card):
        one = (system.said("nmcli", "--get-values", "GENERAL.CON-UUID", "device", "show", name) or "").strip()
        named = value("connection.master", one) if one else ""
        if named != card:
            problems.append(
                "the connection of %s names its bond as %s and not by its interface, so that it would not follow: "
                "`nmcli connection modify %s connection.master %s`, then run this again" % (name, named or "nothing", one or name, card)
            )
        below.append(one)
    return problems, ["type", "bond", "bond.options", value("bond.options")], below


# -- ifupdown ----------------------------------------------------------------------------------------------------------


def stanzas(text):
    """Return the lines of /etc/network/interfaces, each as its words; comments and empty lines are left out."""
    return [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def by_ifupdown(system, bridge, row):
    """Return what is against a bridge by ifupdown, and the scripts.

    The trial is another file, which ifup is pointed to: /etc/network/interfaces changes when the bridge is kept, and the old one stays beside it.
    """
    card, text, problems = row["ifname"], system.text(INTERFACES), []
    trial, before = "/run/lan-bridge/interfaces", "%s.before-%s" % (INTERFACES, bridge)
    if kind(row) not in CARDS:
        problems.append("%s is a %s of ifupdown: make the bridge over it in %s yourself" % (card, kind(row), INTERFACES))
    if not system.exists(IFUPDOWN_BRIDGES):
        problems.append("ifupdown makes bridges with the package bridge-utils alone: `sudo apt-get install bridge-utils`, then run this again")
    if system.exists(before):
        problems.append("there is a file %s of an earlier bridge: move it away" % before)
    lines, inside, made, bad = [], False, 0, []
    for line in text.splitlines():
        words = [] if line.lstrip().startswith("#") else line.split()
        if words[:1] in (["auto"], ["allow-hotplug"]) and card in words[1:]:
            # A bridge is there when its port is: it waits for no plug.
            others = [word for word in words[1:] if word != card]
            lines += [" ".join([words[0], *others])] if others else []
            lines += ["auto " + bridge]
            continue
        if words[:1] and words[0] in ("iface", "auto", "mapping", "source", "source-directory") or words[:1] and words[0].startswith("allow-"):
            inside = words[:2] == ["iface", card]
            if inside:
                lines.append(" ".join(["iface", bridge, *words[2:]]))
                if words[2:3] == ["inet"]:
                    made += 1
                    options = ("ports " + card, "hw " + row["address"], "stp off", "fd 0", "maxwait 10")
                    lines += ["    bridge_" + option for option in options]
                continue
        elif inside and words and words[0] not in STANZA and not words[0].startswith("dns-"):
            bad.append(line.strip())
        lines.append(line)
    lines += ["", "iface %s inet manual" % card, ""]
    if bad:
        problems.append("%s has lines for %s whose place is not known here (%s): make the bridge there yourself" % (INTERFACES, card, "; ".join(bad)))
    if made != 1:
        problems.append("%s has %d stanzas `iface %s inet`, and one is understood: make the bridge there yourself" % (INTERFACES, made, card))
    note = "# Written by Ansible (role lan_bridge); what was there before is in %s.\n" % before
    apply = ["printf %%s %s >%s" % (shlex.quote(note + "\n".join(lines)), trial), "ifdown --force " + card]
    apply += ["ip address flush dev " + card, "ifup --interfaces=%s %s" % (trial, bridge)]
    restore = ["ifdown --force --interfaces=%s %s || true" % (trial, bridge), "ip link delete %s type bridge 2>/dev/null || true" % bridge]
    restore += ["if [ -e %s ]; then mv -f %s %s; fi" % (before, before, INTERFACES), "ifup --force " + card]
    keep = [UNDONE, "cp -a %s %s" % (INTERFACES, before), "cat %s >%s" % (trial, INTERFACES)]
    return problems, {"apply": script(apply), "restore": script(restore), "keep": script(keep)}


def script(lines):
    """Return a shell script that ends at the first line that fails."""
    return "\n".join(["#!/bin/sh", "# Written by Ansible (role lan_bridge).", "set -eu", *lines, ""])


def main():
    """Run as a module of Ansible."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        argument_spec={
            "bridge": {"type": "str", "required": True},
            "network": {"type": "str", "required": True},
            "card": {"type": "str", "default": ""},
            "trial": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    asked = module.params
    environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def run(command):
        return module.run_command(command, environ_update=environment) if installed(command[0]) else (127, "", "")

    system, trial = System(run), asked["trial"]
    if trial:
        module.exit_json(changed=False, missing=tried(system, asked["bridge"], trial["card"], trial["addresses"], trial["gateway"]))
    module.exit_json(changed=False, **look(system, asked["bridge"], asked["network"], asked["card"]))


def installed(name):
    """Tell whether a program is there."""
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"))


if __name__ == "__main__":
    main()
