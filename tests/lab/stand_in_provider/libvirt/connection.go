package main

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

const usualSocket = "/var/run/libvirt/libvirt-sock"

// connect opens a connection to a libvirtd of this computer. The real provider goes through SSH, TCP and TLS, too.
func connect(uri string) (*golibvirt.Libvirt, error) {
	parsed, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	if parsed.Scheme != "qemu" || parsed.Host != "" {
		return nil, fmt.Errorf("%q is not on this computer, and the stand-in goes no further", uri)
	}
	socket := parsed.Query().Get("socket")
	if socket == "" {
		socket = usualSocket
	}
	libvirt := golibvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(socket)))
	return libvirt, libvirt.ConnectToURI(golibvirt.ConnectURI("qemu://" + parsed.Path))
}

func parseUUID(text string) (golibvirt.UUID, error) {
	var found golibvirt.UUID
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err == nil && len(raw) != len(found) {
		err = fmt.Errorf("%q is no UUID", text)
	}
	copy(found[:], raw)
	return found, err
}

func formatUUID(uuid golibvirt.UUID) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", uuid[:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:])
}
