package main

import (
	"errors"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// kind is what the stand-in knows of one kind of resource. make, change and look complete the values that were planned with what libvirt says;
// change gets the values of before, too, and is nil where the real provider refuses any change in place.
type kind struct {
	name   string
	schema attributes
	make   func(*golibvirt.Libvirt, tree) error
	change func(virt *golibvirt.Libvirt, planned, before tree) error
	look   func(*golibvirt.Libvirt, tree) error
	remove func(*golibvirt.Libvirt, tree) error
}

// errGone is what look returns for a thing that is not there any more: it is dropped from the state.
var errGone = errors.New("it is not there any more")

var kinds = []*kind{
	{name: "network", schema: networkSchema, make: makeNetwork, change: changeNetwork, look: lookNetwork, remove: removeNetwork},
	{name: "pool", schema: poolSchema, make: makePool, look: lookPool, remove: removePool},
	{name: "volume", schema: volumeSchema, make: makeVolume, look: lookVolume, remove: removeVolume},
	{name: "domain", schema: domainSchema, make: makeDomain, change: changeDomain, look: lookDomain, remove: removeDomain},
	{name: "ignition", schema: ignitionSchema, make: makeIgnition, look: staged, remove: unstage},
	{name: "cloudinit_disk", schema: cloudinitSchema, make: makeCloudinit, look: staged, remove: unstage},
}
