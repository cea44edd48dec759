package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/kdomanski/iso9660"
)

// stage writes what a machine reads at its first boot where the real provider does: below $TMPDIR, which nobody keeps, under its digest.
func stage(folder, extension string, t tree, content []byte) error {
	digest := fmt.Sprintf("%x", sha256.Sum256(content))[:16]
	path := filepath.Join(os.TempDir(), "terraform-provider-libvirt-"+folder, folder+"-"+digest+extension)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	t["id"], t["path"], t["size"] = digest, path, int64(len(content))
	return os.WriteFile(path, content, 0o644)
}

func makeIgnition(_ *golibvirt.Libvirt, t tree) error {
	return stage("ignition", ".ign", t, []byte(t.text("content")))
}

func makeCloudinit(_ *golibvirt.Libvirt, t tree) error {
	writer, err := iso9660.NewWriter()
	if err != nil {
		return err
	}
	defer writer.Cleanup()
	for file, name := range map[string]string{"user-data": "user_data", "meta-data": "meta_data", "network-config": "network_config"} {
		if t.has(name) {
			if err := writer.AddFile(bytes.NewReader([]byte(t.text(name))), file); err != nil {
				return err
			}
		}
	}
	var image bytes.Buffer
	// cloud-init finds the disk by this label.
	if err := writer.WriteTo(&image, "cidata"); err != nil {
		return err
	}
	return stage("cloudinit", ".iso", t, image.Bytes())
}

func staged(_ *golibvirt.Libvirt, t tree) error {
	_, err := os.Stat(t.text("path"))
	if errors.Is(err, os.ErrNotExist) {
		return errGone
	}
	return err
}

func unstage(_ *golibvirt.Libvirt, t tree) error {
	if err := os.Remove(t.text("path")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
