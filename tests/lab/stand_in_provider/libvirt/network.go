package main

import (
	"errors"
	"fmt"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

func networkXML(t tree) (string, error) {
	wanted := libvirtxml.Network{Name: t.text("name")}
	if t.has("forward") {
		wanted.Forward = &libvirtxml.NetworkForward{Mode: t.text("forward", "mode"), Dev: t.text("forward", "dev")}
	}
	if t.has("bridge") {
		wanted.Bridge = &libvirtxml.NetworkBridge{
			Name: t.text("bridge", "name"), STP: t.text("bridge", "stp"), Delay: t.text("bridge", "delay"), Zone: t.text("bridge", "zone"),
		}
	}
	for _, ip := range t.each("ips") {
		address := libvirtxml.NetworkIP{
			Address: ip.text("address"), Prefix: ip.number("prefix"), Netmask: ip.text("netmask"), Family: ip.text("family"),
		}
		if ip.has("dhcp") {
			address.DHCP = &libvirtxml.NetworkDHCP{}
			for _, row := range ip.each("dhcp", "ranges") {
				address.DHCP.Ranges = append(address.DHCP.Ranges, libvirtxml.NetworkDHCPRange{Start: row.text("start"), End: row.text("end")})
			}
			for _, row := range ip.each("dhcp", "hosts") {
				host := libvirtxml.NetworkDHCPHost{MAC: row.text("mac"), Name: row.text("name"), IP: row.text("ip")}
				address.DHCP.Hosts = append(address.DHCP.Hosts, host)
			}
		}
		wanted.IPs = append(wanted.IPs, address)
	}
	return wanted.Marshal()
}

func makeNetwork(virt *golibvirt.Libvirt, t tree) error {
	wanted, err := networkXML(t)
	if err != nil {
		return err
	}
	network, err := virt.NetworkDefineXML(wanted)
	if err != nil {
		return fmt.Errorf("failed to define network: %w", err)
	}
	if err := setAutostart(virt, network, t); err != nil {
		return err
	}
	if err := virt.NetworkCreate(network); err != nil {
		return fmt.Errorf("network defined but failed to start: %w", errors.Join(err, virt.NetworkUndefine(network)))
	}
	t["id"] = formatUUID(network.UUID)
	return lookNetwork(virt, t)
}

func setAutostart(virt *golibvirt.Libvirt, network golibvirt.Network, t tree) error {
	var wanted int32
	if t.flag("autostart") {
		wanted = 1
	}
	return virt.NetworkSetAutostart(network, wanted)
}

// changeNetwork does what the real provider does: it sets autostart alone and reads the rest back, which then is not what was planned, so that
// Terraform ends with an inconsistent result.
func changeNetwork(virt *golibvirt.Libvirt, planned, before tree) error {
	network, err := findNetwork(virt, before)
	if err != nil {
		return err
	}
	if err := setAutostart(virt, network, planned); err != nil {
		return err
	}
	return lookNetwork(virt, planned)
}

func findNetwork(virt *golibvirt.Libvirt, t tree) (golibvirt.Network, error) {
	uuid, err := parseUUID(t.text("id"))
	if err != nil {
		return golibvirt.Network{}, err
	}
	network, err := virt.NetworkLookupByUUID(uuid)
	var refused golibvirt.Error
	if errors.As(err, &refused) && refused.Code == uint32(golibvirt.ErrNoNetwork) {
		err = errGone
	}
	return network, err
}

func lookNetwork(virt *golibvirt.Libvirt, t tree) error {
	network, err := findNetwork(virt, t)
	if err != nil {
		return err
	}
	text, err := virt.NetworkGetXMLDesc(network, 0)
	if err != nil {
		return err
	}
	var found libvirtxml.Network
	if err := found.Unmarshal(text); err != nil {
		return err
	}
	autostart, err := virt.NetworkGetAutostart(network)
	if err != nil {
		return err
	}
	t["uuid"], t["autostart"] = found.UUID, autostart == 1
	t.back(found.Name, "name")
	forward := libvirtxml.NetworkForward{}
	if found.Forward != nil {
		forward = *found.Forward
	}
	t.back(forward.Mode, "forward", "mode")
	t.back(forward.Dev, "forward", "dev")
	bridge := libvirtxml.NetworkBridge{}
	if found.Bridge != nil {
		bridge = *found.Bridge
	}
	t.back(bridge.Name, "bridge", "name")
	t.back(bridge.STP, "bridge", "stp")
	t.back(bridge.Delay, "bridge", "delay")
	t.back(bridge.Zone, "bridge", "zone")
	for i, ip := range t.shorten(len(found.IPs), "ips") {
		said := found.IPs[i]
		ip.back(said.Address, "address")
		ip.back(int64(said.Prefix), "prefix")
		ip.back(said.Netmask, "netmask")
		ip.back(said.Family, "family")
		if said.DHCP == nil {
			said.DHCP = &libvirtxml.NetworkDHCP{}
		}
		for j, row := range ip.shorten(len(said.DHCP.Ranges), "dhcp", "ranges") {
			row.back(said.DHCP.Ranges[j].Start, "start")
			row.back(said.DHCP.Ranges[j].End, "end")
		}
		for j, row := range ip.shorten(len(said.DHCP.Hosts), "dhcp", "hosts") {
			row.back(said.DHCP.Hosts[j].MAC, "mac")
			row.back(said.DHCP.Hosts[j].Name, "name")
			row.back(said.DHCP.Hosts[j].IP, "ip")
		}
	}
	return nil
}

func removeNetwork(virt *golibvirt.Libvirt, t tree) error {
	network, err := findNetwork(virt, t)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	active, err := virt.NetworkIsActive(network)
	if err != nil {
		return err
	}
	if active == 1 {
		if err := virt.NetworkDestroy(network); err != nil {
			return fmt.Errorf("failed to stop network: %w", err)
		}
	}
	return virt.NetworkUndefine(network)
}
