package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// kind is what the stand-in knows of one kind of resource. make and change complete the values that were planned; change is nil where the real
// provider refuses any change in place. look reads the values anew, and tells whether the thing is still there.
type kind struct {
	name   string
	schema attributes
	make   func(*host, values) error
	change func(*host, values) error
	look   func(*host, values) bool
	remove func(*host, values) error
}

var kinds = []*kind{
	{name: "network", schema: networkSchema, make: makeNetwork, change: define("network"), look: there("network"), remove: undefine("network")},
	{name: "pool", schema: poolSchema, make: makePool, change: definePool, look: there("pool"), remove: removePool},
	{name: "volume", schema: volumeSchema, make: makeVolume, look: lookVolume, remove: removeVolume},
	{name: "domain", schema: domainSchema, make: makeDomain, change: changeDomain, look: there("domain"), remove: undefine("domain")},
	{name: "ignition", schema: ignitionSchema, make: makeIgnition, look: staged, remove: unstage},
	{name: "cloudinit_disk", schema: cloudinitSchema, make: makeCloudinit, look: staged, remove: unstage},
}

// identity is a UUID-like name that a thing keeps as long as it lives.
func identity(parts ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(parts, "/"))))[:32]
}

func define(kind string) func(*host, values) error {
	return func(h *host, v values) error {
		v.fill("id", tftypes.NewValue(tftypes.String, identity(kind, v.text("name"))))
		v.fill("uuid", tftypes.NewValue(tftypes.String, identity(kind, v.text("name"))))
		v.fill("autostart", tftypes.NewValue(tftypes.Bool, false))
		content := map[string]any{}
		for name, value := range v {
			content[name] = plain(value)
		}
		return h.define(kind, v.text("name"), content)
	}
}

func fresh(h *host, kind, name string) error {
	if h.defined(kind, name) {
		return fmt.Errorf("operation failed: %s '%s' already exists", kind, name)
	}
	return nil
}

func there(kind string) func(*host, values) bool {
	return func(h *host, v values) bool { return h.defined(kind, v.text("name")) }
}

func undefine(kind string) func(*host, values) error {
	return func(h *host, v values) error { return h.undefine(kind, v.text("name")) }
}

func makeNetwork(h *host, v values) error {
	if err := fresh(h, "network", v.text("name")); err != nil {
		return err
	}
	// A bridge that libvirt makes itself is no other network's.
	if bridge := v.text("bridge", "name"); v.text("forward", "mode") != "bridge" && h.bridgeTaken(bridge) {
		return fmt.Errorf("internal error: bridge name '%s' already in use", bridge)
	}
	return define("network")(h, v)
}

func makePool(h *host, v values) error {
	if err := fresh(h, "pool", v.text("name")); err != nil {
		return err
	}
	if err := os.MkdirAll(h.file(v.text("target", "path")), 0o700); err != nil {
		return err
	}
	return definePool(h, v)
}

func definePool(h *host, v values) error {
	for _, name := range []string{"capacity", "allocation", "available"} {
		v.setNumber(name, 1<<40)
	}
	return define("pool")(h, v)
}

// removePool deletes the folder unless it was told not to, as the real provider does.
func removePool(h *host, v values) error {
	if given, set := v.flag("destroy", "delete"); !given || set {
		if err := os.Remove(h.file(v.text("target", "path"))); err != nil {
			return fmt.Errorf("failed to delete storage pool: %w", err)
		}
	}
	return h.undefine("pool", v.text("name"))
}

func makeVolume(h *host, v values) error {
	folder, err := h.poolPath(v.text("pool"))
	if err != nil {
		return err
	}
	path := filepath.Join(folder, v.text("name"))
	if backing := v.text("backing_store", "path"); backing != "" && !h.has(backing) {
		return fmt.Errorf("cannot access backing store '%s': no such file", backing)
	}
	if err := h.store(path, v.text("create", "content", "url")); err != nil {
		return err
	}
	for _, name := range []string{"id", "key", "path"} {
		v.setText(name, path)
	}
	v.fill("capacity", tftypes.NewValue(tftypes.Number, 0))
	return nil
}

// lookVolume reads the format back from what the file is, whatever was asked for.
func lookVolume(h *host, v values) bool {
	path := v.text("path")
	if !h.has(path) {
		return false
	}
	if v.text("target", "format", "type") != "" {
		target, _ := read(v["target"])
		format, _ := read(target["format"])
		format.setText("type", h.probe(path))
		target["format"] = format.write(target["format"].Type())
		v["target"] = target.write(v["target"].Type())
	}
	return true
}

func removeVolume(h *host, v values) error {
	if err := os.Remove(h.file(v.text("path"))); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// makeDomain refuses what libvirt can't start: a name that is taken, a file or a network that is not there.
func makeDomain(h *host, v values) error {
	if err := fresh(h, "domain", v.text("name")); err != nil {
		return err
	}
	return changeDomain(h, v)
}

func changeDomain(h *host, v values) error {
	files := []string{}
	for _, disk := range v.each("devices", "disks") {
		files = append(files, disk.text("source", "file", "file"))
	}
	for _, info := range v.each("sys_info") {
		for _, entry := range info.each("fw_cfg", "entry") {
			files = append(files, entry.text("file"))
		}
	}
	for _, file := range files {
		if !h.has(file) {
			return fmt.Errorf("cannot access storage file '%s': no such file or directory", file)
		}
	}
	for _, card := range v.each("devices", "interfaces") {
		if network := card.text("source", "network", "network"); !h.defined("network", network) {
			return fmt.Errorf("network not found: no network with matching name '%s'", network)
		}
	}
	// A domain has a new number whenever it starts. After a change in place of one that runs, the number is not the planned one, and Terraform
	// calls that a bug of the provider: this is what the real one does.
	v.setNumber("id", h.nextNumber())
	return define("domain")(h, v)
}

// nextNumber counts the starts of domains.
func (h *host) nextNumber() int64 {
	path := filepath.Join(h.root, "starts")
	starts, _ := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	defer starts.Close()
	_, _ = starts.WriteString(".")
	information, err := starts.Stat()
	if err != nil {
		return 0
	}
	return information.Size()
}

// stage writes what a machine reads at its first boot where the real provider does: below $TMPDIR, which nobody keeps.
func stage(folder, extension string, v values, content []byte) error {
	path := filepath.Join(os.TempDir(), "terraform-provider-libvirt-"+folder, v.text("name")+"-"+identity(string(content))[:8]+extension)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	v.setText("id", identity(path))
	v.setText("path", path)
	v.setNumber("size", int64(len(content)))
	return os.WriteFile(path, content, 0o600)
}

func makeIgnition(_ *host, v values) error {
	return stage("ignition", ".ign", v, []byte(v.text("content")))
}

// makeCloudinit writes a file with the mark of an ISO image, and the three texts behind it.
func makeCloudinit(_ *host, v values) error {
	content := make([]byte, isoOffset, isoOffset+len(isoMark))
	content = append(content, isoMark...)
	for _, name := range []string{"user_data", "meta_data", "network_config"} {
		content = append(content, fmt.Sprintf("\n--- %s\n%s", name, v.text(name))...)
	}
	return stage("cloudinit", ".iso", v, content)
}

func staged(_ *host, v values) bool {
	_, err := os.Stat(v.text("path"))
	return err == nil
}

func unstage(_ *host, v values) error {
	if err := os.Remove(v.text("path")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
