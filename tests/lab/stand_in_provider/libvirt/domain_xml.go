package main

import (
	"libvirt.org/go/libvirtxml"
)

// domainXML returns what libvirt is asked for: as much of a domain as the rendered modules say.
func domainXML(t tree) (string, error) {
	wanted := libvirtxml.Domain{
		Type:   t.text("type"),
		Name:   t.text("name"),
		UUID:   t.text("uuid"),
		Memory: &libvirtxml.DomainMemory{Value: t.number("memory"), Unit: t.text("memory_unit")},
		VCPU:   &libvirtxml.DomainVCPU{Value: t.number("vcpu")},
	}
	if t.has("cpu") {
		wanted.CPU = &libvirtxml.DomainCPU{
			Mode: t.text("cpu", "mode"), Check: t.text("cpu", "check"), Migratable: t.text("cpu", "migratable"),
		}
		if model := t.text("cpu", "model"); model != "" {
			wanted.CPU.Model = &libvirtxml.DomainCPUModel{Value: model}
		}
	}
	if t.has("os") {
		wanted.OS = &libvirtxml.DomainOS{
			Firmware: t.text("os", "firmware"),
			Type:     &libvirtxml.DomainOSType{Type: t.text("os", "type"), Arch: t.text("os", "type_arch"), Machine: t.text("os", "type_machine")},
		}
		for _, boot := range t.each("os", "boot_devices") {
			wanted.OS.BootDevices = append(wanted.OS.BootDevices, libvirtxml.DomainBootDevice{Dev: boot.text("dev")})
		}
	}
	if t.has("features") {
		wanted.Features = &libvirtxml.DomainFeatureList{}
		if t.flag("features", "acpi") {
			wanted.Features.ACPI = &libvirtxml.DomainFeature{}
		}
		if t.flag("features", "pae") {
			wanted.Features.PAE = &libvirtxml.DomainFeature{}
		}
		if t.has("features", "apic") {
			wanted.Features.APIC = &libvirtxml.DomainFeatureAPIC{EOI: t.text("features", "apic", "eoi")}
		}
	}
	if t.has("clock") {
		wanted.Clock = &libvirtxml.DomainClock{Offset: t.text("clock", "offset")}
	}
	for _, info := range t.each("sys_info") {
		firmware := &libvirtxml.DomainSysInfoFWCfg{}
		for _, entry := range info.each("fw_cfg", "entry") {
			row := libvirtxml.DomainSysInfoEntry{Name: entry.text("name"), Value: entry.text("value"), File: entry.text("file")}
			firmware.Entry = append(firmware.Entry, row)
		}
		wanted.SysInfo = append(wanted.SysInfo, libvirtxml.DomainSysInfo{FWCfg: firmware})
	}
	wanted.Devices = &libvirtxml.DomainDeviceList{}
	for _, disk := range t.each("devices", "disks") {
		wanted.Devices.Disks = append(wanted.Devices.Disks, diskXML(disk))
	}
	for _, card := range t.each("devices", "interfaces") {
		wanted.Devices.Interfaces = append(wanted.Devices.Interfaces, cardXML(card))
	}
	for _, console := range t.each("devices", "consoles") {
		port := console.number("target", "port")
		row := libvirtxml.DomainConsole{Target: &libvirtxml.DomainConsoleTarget{Type: console.text("target", "type"), Port: &port}}
		if console.has("source", "pty") {
			row.Source = &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{Path: console.text("source", "pty", "path")}}
		}
		wanted.Devices.Consoles = append(wanted.Devices.Consoles, row)
	}
	for _, channel := range t.each("devices", "channels") {
		socket := &libvirtxml.DomainChardevSourceUNIX{Path: channel.text("source", "unix", "path"), Mode: channel.text("source", "unix", "mode")}
		wanted.Devices.Channels = append(wanted.Devices.Channels, libvirtxml.DomainChannel{
			Source: &libvirtxml.DomainChardevSource{UNIX: socket},
			Target: &libvirtxml.DomainChannelTarget{VirtIO: &libvirtxml.DomainChannelTargetVirtIO{Name: channel.text("target", "virt_io", "name")}},
		})
	}
	for _, rng := range t.each("devices", "rngs") {
		wanted.Devices.RNGs = append(wanted.Devices.RNGs, libvirtxml.DomainRNG{
			Model:   rng.text("model"),
			Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: rng.text("backend", "random")}},
		})
	}
	return wanted.Marshal()
}

func diskXML(disk tree) libvirtxml.DomainDisk {
	wanted := libvirtxml.DomainDisk{
		Device: disk.text("device"),
		Driver: &libvirtxml.DomainDiskDriver{
			Name: disk.text("driver", "name"), Type: disk.text("driver", "type"), Cache: disk.text("driver", "cache"),
			IO: disk.text("driver", "io"), Discard: disk.text("driver", "discard"),
		},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: disk.text("source", "file", "file")}},
		Target: &libvirtxml.DomainDiskTarget{Dev: disk.text("target", "dev"), Bus: disk.text("target", "bus")},
		Serial: disk.text("serial"),
	}
	if disk.flag("read_only") {
		wanted.ReadOnly = &libvirtxml.DomainDiskReadOnly{}
	}
	if disk.flag("shareable") {
		wanted.Shareable = &libvirtxml.DomainDiskShareable{}
	}
	return wanted
}

func cardXML(card tree) libvirtxml.DomainInterface {
	wanted := libvirtxml.DomainInterface{
		MAC:    &libvirtxml.DomainInterfaceMAC{Address: card.text("mac", "address")},
		Model:  &libvirtxml.DomainInterfaceModel{Type: card.text("model", "type")},
		Source: &libvirtxml.DomainInterfaceSource{},
	}
	if card.has("source", "bridge") {
		wanted.Source.Bridge = &libvirtxml.DomainInterfaceSourceBridge{Bridge: card.text("source", "bridge", "bridge")}
	} else {
		wanted.Source.Network = &libvirtxml.DomainInterfaceSourceNetwork{Network: card.text("source", "network", "network")}
	}
	if card.has("target") {
		wanted.Target = &libvirtxml.DomainInterfaceTarget{Dev: card.text("target", "dev")}
	}
	return wanted
}
