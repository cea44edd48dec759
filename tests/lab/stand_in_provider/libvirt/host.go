package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// host is a hypervisor: a folder of its own below $STAND_IN_LIBVIRT, named after its URI. Files of its disks lie in files/, below their own
// paths; everything that libvirt defines is a JSON file in a folder named after its kind.
type host struct{ root string }

func openHost(uri string) (*host, error) {
	root := os.Getenv("STAND_IN_LIBVIRT")
	if root == "" {
		return nil, errors.New("STAND_IN_LIBVIRT names no folder: this is the tests' stand-in and no libvirt")
	}
	if uri == "" {
		return nil, errors.New("the stand-in wants a uri")
	}
	made := &host{root: filepath.Join(root, url.QueryEscape(uri))}
	if _, err := os.Stat(filepath.Join(made.root, "down")); err == nil {
		return nil, fmt.Errorf("failed to dial libvirt: %s does not answer", uri)
	}
	return made, os.MkdirAll(made.root, 0o700)
}

// file returns where the stand-in keeps a file of the hypervisor.
func (h *host) file(path string) string { return filepath.Join(h.root, "files", path) }

func (h *host) has(path string) bool {
	_, err := os.Stat(h.file(path))
	return err == nil
}

func (h *host) record(kind, name string) string { return filepath.Join(h.root, kind, name+".json") }

func (h *host) defined(kind, name string) bool {
	_, err := os.Stat(h.record(kind, name))
	return err == nil
}

func (h *host) define(kind, name string, content any) error {
	path := h.record(kind, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func (h *host) undefine(kind, name string) error {
	if err := os.Remove(h.record(kind, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// bridgeTaken tells whether a network of this host has a bridge of this name.
func (h *host) bridgeTaken(name string) bool {
	paths, _ := filepath.Glob(h.record("network", "*"))
	for _, path := range paths {
		var network struct{ Bridge struct{ Name string } }
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &network) == nil && network.Bridge.Name == name {
			return true
		}
	}
	return false
}

// poolPath returns the folder of a pool.
func (h *host) poolPath(name string) (string, error) {
	text, err := os.ReadFile(h.record("pool", name))
	if err != nil {
		return "", fmt.Errorf("storage pool '%s' not found", name)
	}
	var pool struct{ Target struct{ Path string } }
	return pool.Target.Path, json.Unmarshal(text, &pool)
}

// store writes a file of the hypervisor: what is at the source, or an empty disk.
func (h *host) store(path, source string) error {
	if h.has(path) {
		return fmt.Errorf("storage volume '%s' exists already", path)
	}
	if _, err := os.Stat(filepath.Join(h.root, "full")); err == nil {
		return errors.New("no space left on device")
	}
	var content io.Reader = bytes.NewReader(emptyDisk)
	if source != "" {
		stream, err := os.Open(strings.TrimPrefix(source, "file://"))
		if err != nil {
			return fmt.Errorf("failed to open URL stream: %w", err)
		}
		defer stream.Close()
		content = stream
	}
	if err := os.MkdirAll(filepath.Dir(h.file(path)), 0o700); err != nil {
		return err
	}
	target, err := os.Create(h.file(path))
	if err != nil {
		return err
	}
	_, err = io.Copy(target, content)
	return errors.Join(err, target.Close())
}

var emptyDisk = []byte("QFI\xfb\x00\x00\x00\x03")

// The identifier of an ISO 9660 volume stands behind the 16 sectors that belong to the system.
const isoMark, isoOffset = "CD001", 16*2048 + 1

// probe tells the format of a file as libvirt does: by its content.
func (h *host) probe(path string) string {
	content, err := os.ReadFile(h.file(path))
	switch {
	case err != nil:
		return ""
	case bytes.HasPrefix(content, emptyDisk[:4]):
		return "qcow2"
	case len(content) > isoOffset && strings.HasPrefix(string(content[isoOffset:]), isoMark):
		return "iso"
	default:
		return "raw"
	}
}

// hostSize is what a hypervisor has.
type hostSize struct {
	MemoryKB int64 `json:"memory_kb"`
	Cores    int64 `json:"cores"`
}

// size reads size.json of the host's folder; where there is none, the host is a large one.
func (h *host) size() (hostSize, error) {
	found := hostSize{MemoryKB: 256 << 20, Cores: 64}
	text, err := os.ReadFile(filepath.Join(h.root, "size.json"))
	if errors.Is(err, os.ErrNotExist) {
		return found, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	return found, err
}
