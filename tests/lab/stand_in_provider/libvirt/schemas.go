package main

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
)

type attributes = map[string]schema.Attribute

func text() schema.Attribute     { return schema.StringAttribute{Optional: true} }
func required() schema.Attribute { return schema.StringAttribute{Required: true} }
func number() schema.Attribute   { return schema.Int64Attribute{Optional: true} }
func flag() schema.Attribute     { return schema.BoolAttribute{Optional: true} }

// fixed is an argument whose change makes the thing anew.
func fixed() schema.Attribute {
	return schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

func fixedIfGiven() schema.Attribute {
	return schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

// kept is a value of the hypervisor's that stays what it is.
func kept() schema.Attribute {
	return schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
}

func keptNumber() schema.Attribute {
	return schema.Int64Attribute{Computed: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}}
}

func object(inner attributes) schema.Attribute {
	return schema.SingleNestedAttribute{Optional: true, Attributes: inner}
}

func list(inner attributes) schema.Attribute {
	return schema.ListNestedAttribute{Optional: true, NestedObject: schema.NestedAttributeObject{Attributes: inner}}
}

var permissions = object(attributes{"mode": text(), "owner": text(), "group": text(), "label": text()})

var networkSchema = attributes{
	"id": kept(), "uuid": kept(), "name": fixed(),
	"autostart": schema.BoolAttribute{Optional: true, Computed: true},
	"forward":   object(attributes{"mode": text(), "dev": text()}),
	"bridge": object(attributes{
		"name": schema.StringAttribute{
			Optional: true, Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"stp": text(), "delay": text(), "zone": text(),
	}),
	"ips": list(attributes{
		"address": text(), "prefix": number(), "netmask": text(), "family": text(),
		"dhcp": object(attributes{
			"ranges": list(attributes{"start": text(), "end": text()}),
			"hosts":  list(attributes{"mac": text(), "name": text(), "ip": text()}),
		}),
	}),
}

var poolSchema = attributes{
	"id": kept(), "uuid": kept(), "name": fixed(), "type": fixed(),
	"target":     object(attributes{"path": text(), "permissions": permissions}),
	"destroy":    object(attributes{"delete": flag()}),
	"capacity":   schema.Int64Attribute{Computed: true},
	"allocation": schema.Int64Attribute{Computed: true},
	"available":  schema.Int64Attribute{Computed: true},
}

var volumeSchema = attributes{
	"id": kept(), "key": kept(), "path": kept(), "name": fixed(), "pool": fixed(), "type": text(),
	"capacity":      schema.Int64Attribute{Optional: true, Computed: true},
	"capacity_unit": text(),
	"target":        object(attributes{"path": kept(), "format": object(attributes{"type": required()}), "permissions": permissions}),
	"backing_store": object(attributes{
		"path":   required(),
		"format": schema.SingleNestedAttribute{Required: true, Attributes: attributes{"type": required()}},
	}),
	"create": object(attributes{
		"content": schema.SingleNestedAttribute{Required: true, Attributes: attributes{"url": required()}},
	}),
}

var ignitionSchema = attributes{"id": kept(), "path": kept(), "size": keptNumber(), "name": fixed(), "content": fixed()}

var cloudinitSchema = attributes{
	"id": kept(), "path": kept(), "size": keptNumber(), "name": fixed(), "user_data": fixed(), "meta_data": fixed(),
	"network_config": fixedIfGiven(),
}

var domainSchema = attributes{
	"id": keptNumber(), "uuid": kept(), "name": fixed(), "type": fixed(),
	"memory": number(), "memory_unit": text(), "vcpu": number(), "running": flag(), "autostart": flag(),
	"cpu": object(attributes{"mode": text(), "model": text(), "check": text(), "migratable": text()}),
	"os": object(attributes{
		"type": text(), "type_arch": text(), "type_machine": text(), "firmware": text(),
		"boot_devices": list(attributes{"dev": required()}),
	}),
	"features": object(attributes{"acpi": flag(), "pae": flag(), "apic": object(attributes{"eoi": text()})}),
	"clock":    object(attributes{"offset": text()}),
	"sys_info": list(attributes{
		"fw_cfg": object(attributes{"entry": list(attributes{"name": required(), "value": required(), "file": text()})}),
	}),
	"update": object(attributes{"shutdown": object(attributes{"timeout": number()})}),
	"devices": object(attributes{
		"disks": list(attributes{
			"device":    text(),
			"driver":    object(attributes{"name": text(), "type": text(), "cache": text(), "io": text(), "discard": text()}),
			"source":    object(attributes{"file": object(attributes{"file": text()}), "block": object(attributes{"dev": text()})}),
			"target":    object(attributes{"dev": text(), "bus": text()}),
			"serial":    text(),
			"read_only": flag(),
			"shareable": flag(),
		}),
		"interfaces": list(attributes{
			"mac":    object(attributes{"address": required()}),
			"model":  object(attributes{"type": required()}),
			"source": object(attributes{"network": object(attributes{"network": text()}), "bridge": object(attributes{"bridge": required()})}),
			"target": object(attributes{"dev": required()}),
		}),
		"consoles": list(attributes{
			"source": object(attributes{"pty": object(attributes{"path": required()})}),
			"target": object(attributes{"type": text(), "port": number()}),
		}),
		"channels": list(attributes{
			"source": object(attributes{"unix": object(attributes{"path": text(), "mode": text()})}),
			"target": object(attributes{"virt_io": object(attributes{"name": text()})}),
		}),
		"rngs": list(attributes{"model": required(), "backend": object(attributes{"random": text()})}),
	}),
}
