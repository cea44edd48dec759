package main

import (
	"errors"
	"fmt"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

// The real provider's, where a machine that has to stop for a change names no other one.
const defaultShutdown = 30 * time.Second

func makeDomain(virt *golibvirt.Libvirt, t tree) error {
	domain, err := defineDomain(virt, t)
	if err != nil {
		return err
	}
	if err := bringUp(virt, domain, t); err != nil {
		return errors.Join(err, virt.DomainUndefine(domain))
	}
	return lookDomain(virt, t)
}

func defineDomain(virt *golibvirt.Libvirt, t tree) (golibvirt.Domain, error) {
	wanted, err := domainXML(t)
	if err != nil {
		return golibvirt.Domain{}, err
	}
	domain, err := virt.DomainDefineXML(wanted)
	if err != nil {
		return golibvirt.Domain{}, fmt.Errorf("failed to define domain in libvirt: %w", err)
	}
	t["uuid"] = formatUUID(domain.UUID)
	return domain, nil
}

func bringUp(virt *golibvirt.Libvirt, domain golibvirt.Domain, t tree) error {
	if t.flag("running") {
		if _, err := virt.DomainCreateWithFlags(domain, 0); err != nil {
			return fmt.Errorf("domain was defined but failed to start: %w", err)
		}
	}
	if !t.has("autostart") {
		return nil
	}
	var autostart int32
	if t.flag("autostart") {
		autostart = 1
	}
	return virt.DomainSetAutostart(domain, autostart)
}

// changeDomain stops the machine, defines it anew and starts it. It has another number then than the one that was planned, which Terraform takes
// for an inconsistent result: this is what the real provider does.
func changeDomain(virt *golibvirt.Libvirt, planned, before tree) error {
	domain, err := findDomain(virt, before)
	if err != nil {
		return err
	}
	patience := defaultShutdown
	if seconds := planned.number("update", "shutdown", "timeout"); seconds > 0 {
		patience = time.Duration(seconds) * time.Second
	}
	if err := shutDown(virt, domain, patience); err != nil {
		return err
	}
	if err := virt.DomainUndefineFlags(domain, golibvirt.DomainUndefineKeepNvram|golibvirt.DomainUndefineKeepTpm); err != nil {
		return err
	}
	planned["uuid"] = before["uuid"]
	if domain, err = defineDomain(virt, planned); err != nil {
		return err
	}
	if err := bringUp(virt, domain, planned); err != nil {
		return err
	}
	return lookDomain(virt, planned)
}

// shutDown asks the guest to end, and pulls the plug when it has not done so in time.
func shutDown(virt *golibvirt.Libvirt, domain golibvirt.Domain, patience time.Duration) error {
	running, err := isRunning(virt, domain)
	if err != nil || !running {
		return err
	}
	if err := virt.DomainShutdown(domain); err != nil {
		return fmt.Errorf("domain must be stopped before updating: %w", err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second) {
		if running, err := isRunning(virt, domain); err != nil || !running {
			return err
		}
	}
	return virt.DomainDestroyFlags(domain, golibvirt.DomainDestroyDefault)
}

func isRunning(virt *golibvirt.Libvirt, domain golibvirt.Domain) (bool, error) {
	state, _, err := virt.DomainGetState(domain, 0)
	return golibvirt.DomainState(state) == golibvirt.DomainRunning, err
}

func findDomain(virt *golibvirt.Libvirt, t tree) (golibvirt.Domain, error) {
	uuid, err := parseUUID(t.text("uuid"))
	if err != nil {
		return golibvirt.Domain{}, err
	}
	domain, err := virt.DomainLookupByUUID(uuid)
	if err != nil {
		// Whatever the reason: the real provider does not look at it.
		err = errGone
	}
	return domain, err
}

// lookDomain reads back what the real one does. Memory, processors, the kind of machine and whether it runs are not compared.
func lookDomain(virt *golibvirt.Libvirt, t tree) error {
	domain, err := findDomain(virt, t)
	if err != nil {
		return err
	}
	text, err := virt.DomainGetXMLDesc(domain, golibvirt.DomainXMLSecure)
	if err != nil {
		return err
	}
	var found libvirtxml.Domain
	if err := found.Unmarshal(text); err != nil {
		return err
	}
	if found.ID != nil {
		t["id"] = int64(*found.ID)
	} else if !t.has("id") {
		t["id"] = nil
	}
	autostart, err := virt.DomainGetAutostart(domain)
	if err != nil {
		return err
	}
	t.back(autostart == 1, "autostart")
	t.back(found.Name, "name")
	t.back(found.Type, "type")
	if found.Clock != nil {
		t.back(found.Clock.Offset, "clock", "offset")
	}
	if found.Features != nil {
		t.back(found.Features.ACPI != nil, "features", "acpi")
	}
	for i, info := range t.shorten(len(found.SysInfo), "sys_info") {
		if found.SysInfo[i].FWCfg == nil {
			continue
		}
		said := found.SysInfo[i].FWCfg.Entry
		for j, entry := range info.shorten(len(said), "fw_cfg", "entry") {
			entry["name"], entry["value"] = said[j].Name, said[j].Value
			entry.back(said[j].File, "file")
		}
	}
	readDevices(t, found.Devices)
	return nil
}

func readDevices(t tree, found *libvirtxml.DomainDeviceList) {
	for i, disk := range t.shorten(len(found.Disks), "devices", "disks") {
		said := found.Disks[i]
		disk.back(said.Device, "device")
		disk.back(said.Serial, "serial")
		disk.back(said.ReadOnly != nil, "read_only")
		disk.back(said.Shareable != nil, "shareable")
		if said.Driver != nil {
			disk.back(said.Driver.Type, "driver", "type")
			disk.back(said.Driver.Discard, "driver", "discard")
			disk.back(said.Driver.Cache, "driver", "cache")
		}
		if said.Source != nil && said.Source.File != nil {
			disk.back(said.Source.File.File, "source", "file", "file")
		}
		if said.Target != nil {
			disk.back(said.Target.Dev, "target", "dev")
			disk.back(said.Target.Bus, "target", "bus")
		}
	}
	for i, card := range t.shorten(len(found.Interfaces), "devices", "interfaces") {
		said := found.Interfaces[i]
		if said.MAC != nil {
			card.back(said.MAC.Address, "mac", "address")
		}
		if said.Model != nil {
			card.back(said.Model.Type, "model", "type")
		}
		if said.Source != nil && said.Source.Network != nil {
			card.back(said.Source.Network.Network, "source", "network", "network")
		}
	}
	for i, console := range t.shorten(len(found.Consoles), "devices", "consoles") {
		if said := found.Consoles[i].Target; said != nil {
			console.back(said.Type, "target", "type")
		}
	}
	for i, channel := range t.shorten(len(found.Channels), "devices", "channels") {
		if said := found.Channels[i].Target; said != nil && said.VirtIO != nil {
			channel.back(said.VirtIO.Name, "target", "virt_io", "name")
		}
	}
	for i, rng := range t.shorten(len(found.RNGs), "devices", "rngs") {
		rng.back(found.RNGs[i].Model, "model")
		if said := found.RNGs[i].Backend; said != nil && said.Random != nil {
			rng.back(said.Random.Device, "backend", "random")
		}
	}
}

// removeDomain pulls the plug: the real provider shuts a guest down before it is destroyed only where it is told to.
func removeDomain(virt *golibvirt.Libvirt, t tree) error {
	domain, err := findDomain(virt, t)
	if err != nil {
		return nil
	}
	running, err := isRunning(virt, domain)
	if err != nil {
		return err
	}
	if running {
		if err := virt.DomainDestroyFlags(domain, golibvirt.DomainDestroyDefault); err != nil {
			return fmt.Errorf("failed to stop running domain: %w", err)
		}
	}
	return virt.DomainUndefineFlags(domain, golibvirt.DomainUndefineNvram|golibvirt.DomainUndefineTpm)
}
