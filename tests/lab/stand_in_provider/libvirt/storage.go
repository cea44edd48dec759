package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

func makePool(virt *golibvirt.Libvirt, t tree) error {
	wanted := libvirtxml.StoragePool{
		Name: t.text("name"), Type: t.text("type"), Target: &libvirtxml.StoragePoolTarget{Path: t.text("target", "path")},
	}
	if t.has("target", "permissions") {
		wanted.Target.Permissions = &libvirtxml.StoragePoolTargetPermissions{Mode: t.text("target", "permissions", "mode")}
	}
	text, err := wanted.Marshal()
	if err != nil {
		return err
	}
	pool, err := virt.StoragePoolDefineXML(text, 0)
	if err != nil {
		return fmt.Errorf("failed to define storage pool: %w", err)
	}
	err = virt.StoragePoolBuild(pool, 0)
	if err == nil {
		err = virt.StoragePoolSetAutostart(pool, 1)
	}
	if err == nil {
		err = virt.StoragePoolCreate(pool, 0)
	}
	if err != nil {
		return errors.Join(err, virt.StoragePoolUndefine(pool))
	}
	if err := virt.StoragePoolRefresh(pool, 0); err != nil {
		return err
	}
	t["id"] = formatUUID(pool.UUID)
	return lookPool(virt, t)
}

func findPool(virt *golibvirt.Libvirt, t tree) (golibvirt.StoragePool, error) {
	uuid, err := parseUUID(t.text("id"))
	if err != nil {
		return golibvirt.StoragePool{}, err
	}
	pool, err := virt.StoragePoolLookupByUUID(uuid)
	if err != nil {
		// Whatever the reason: the real provider does not look at it.
		err = errGone
	}
	return pool, err
}

func lookPool(virt *golibvirt.Libvirt, t tree) error {
	pool, err := findPool(virt, t)
	if err != nil {
		return err
	}
	text, err := virt.StoragePoolGetXMLDesc(pool, 0)
	if err != nil {
		return err
	}
	var found libvirtxml.StoragePool
	if err := found.Unmarshal(text); err != nil {
		return err
	}
	t["uuid"] = found.UUID
	t["capacity"], t["allocation"], t["available"] = poolSize(found.Capacity), poolSize(found.Allocation), poolSize(found.Available)
	t.back(found.Name, "name")
	t.back(found.Type, "type")
	t.back(found.Target.Path, "target", "path")
	return nil
}

func poolSize(size *libvirtxml.StoragePoolSize) any {
	if size == nil {
		return nil
	}
	return int64(size.Value)
}

// removePool deletes the folder unless it was told not to, as the real provider does.
func removePool(virt *golibvirt.Libvirt, t tree) error {
	pool, err := findPool(virt, t)
	if err != nil {
		return nil
	}
	// It may be stopped already.
	_ = virt.StoragePoolDestroy(pool)
	if !t.has("destroy", "delete") || t.flag("destroy", "delete") {
		if err := virt.StoragePoolDelete(pool, 0); err != nil {
			return fmt.Errorf("could not delete storage pool storage: %w", err)
		}
	}
	return virt.StoragePoolUndefine(pool)
}

// patient says later that a content is at its end: by then the server has said that there was no room for it. go-libvirt hands an answer
// that comes after an error to nobody, holding a lock that the request waits for (its rpc.go: callback, requestStream), and never returns.
type patient struct{ content io.Reader }

func (p patient) Read(buffer []byte) (int, error) {
	count, err := p.content.Read(buffer)
	if err == io.EOF {
		time.Sleep(500 * time.Millisecond)
	}
	return count, err
}

func makeVolume(virt *golibvirt.Libvirt, t tree) error {
	pool, err := virt.StoragePoolLookupByName(t.text("pool"))
	if err != nil {
		return fmt.Errorf("storage pool '%s' not found: %w", t.text("pool"), err)
	}
	size := &libvirtxml.StorageVolumeSize{Value: uint64(t.number("capacity")), Unit: t.text("capacity_unit")}
	var content *os.File
	if source := t.text("create", "content", "url"); source != "" {
		if content, err = os.Open(strings.TrimPrefix(source, "file://")); err != nil {
			return fmt.Errorf("could not open URL for upload: %w", err)
		}
		defer content.Close()
		information, err := content.Stat()
		if err != nil {
			return err
		}
		size = &libvirtxml.StorageVolumeSize{Value: uint64(information.Size())}
	}
	if size.Value == 0 {
		return errors.New("volume capacity is required when not uploading from a URL")
	}
	wanted := libvirtxml.StorageVolume{Name: t.text("name"), Type: t.text("type"), Capacity: size}
	if t.has("target") {
		wanted.Target = &libvirtxml.StorageVolumeTarget{Format: &libvirtxml.StorageVolumeTargetFormat{Type: t.text("target", "format", "type")}}
		if mode := t.text("target", "permissions", "mode"); mode != "" {
			wanted.Target.Permissions = &libvirtxml.StorageVolumeTargetPermissions{Mode: mode}
		}
	}
	if t.has("backing_store") {
		wanted.BackingStore = &libvirtxml.StorageVolumeBackingStore{
			Path: t.text("backing_store", "path"), Format: &libvirtxml.StorageVolumeTargetFormat{Type: t.text("backing_store", "format", "type")},
		}
	}
	text, err := wanted.Marshal()
	if err != nil {
		return err
	}
	volume, err := virt.StorageVolCreateXML(pool, text, 0)
	if err != nil {
		return fmt.Errorf("failed to create storage volume: %w", err)
	}
	if content != nil {
		if err := virt.StorageVolUpload(volume, patient{content}, 0, size.Value, 0); err != nil {
			return fmt.Errorf("failed to upload content to volume: %w", errors.Join(err, virt.StorageVolDelete(volume, 0)))
		}
	}
	t["id"], t["key"] = volume.Key, volume.Key
	return lookVolume(virt, t)
}

// lookVolume reads the format back from what the file is, whatever was asked for. Sizes that were asked for are not compared.
func lookVolume(virt *golibvirt.Libvirt, t tree) error {
	volume, err := virt.StorageVolLookupByKey(t.text("key"))
	if err != nil {
		// Whatever the reason: the real provider does not look at it.
		return errGone
	}
	text, err := virt.StorageVolGetXMLDesc(volume, 0)
	if err != nil {
		return err
	}
	var found libvirtxml.StorageVolume
	if err := found.Unmarshal(text); err != nil {
		return err
	}
	t["path"] = found.Target.Path
	t.back(found.Target.Path, "target", "path")
	if !t.has("capacity") {
		t["capacity"] = int64(found.Capacity.Value)
	}
	t.back(found.Name, "name")
	if found.Target.Format != nil {
		t.back(found.Target.Format.Type, "target", "format", "type")
	}
	if found.BackingStore != nil {
		t.back(found.BackingStore.Path, "backing_store", "path")
		if found.BackingStore.Format != nil {
			t.back(found.BackingStore.Format.Type, "backing_store", "format", "type")
		}
	}
	return nil
}

func removeVolume(virt *golibvirt.Libvirt, t tree) error {
	volume, err := virt.StorageVolLookupByKey(t.text("key"))
	if err != nil {
		return nil
	}
	return virt.StorageVolDelete(volume, 0)
}
