# Every disk is attached as a file and not by pool and volume: libvirt's AppArmor profile covers only the former. terraform validate takes any key
# inside of these nested values, a misspelled one is silently dropped.
locals {
  disks = concat(
    [{ path = libvirt_volume.root[local.current].path, format = "qcow2", serial = "root", discard = "unmap", read_only = null }],
    [for path in local.made.data_disk[*] : { path = path, format = "qcow2", serial = "data", discard = "unmap", read_only = null }],
    # Not a CD-ROM: kernels made for clouds have no driver for its controller.
    [for volume in libvirt_volume.seed : { path = volume.path, format = "raw", serial = "seed", discard = null, read_only = true }],
  )
}

resource "libvirt_domain" "this" {
  name        = local.made.libvirt_name
  type        = local.made.domain_type
  memory      = local.made.memory_mib
  memory_unit = "MiB"
  vcpu        = local.made.cpus
  running     = true
  autostart   = true
  cpu         = { mode = local.made.domain_type == "kvm" ? "host-passthrough" : "maximum" }
  os          = { type = "hvm", type_arch = "x86_64", type_machine = "q35", boot_devices = [{ dev = "hd" }] }
  # Without ACPI the guest sees no firmware configuration, and Ignition finds nothing.
  features = { acpi = true, apic = {} }
  clock    = { offset = "utc" }
  # By file: libvirt escapes an inline value, which is no longer JSON then.
  sys_info = local.made.os == "linux" ? null : [{
    fw_cfg = { entry = [{ name = "opt/org.flatcar-linux/config", value = "", file = libvirt_volume.ignition[local.current].path }] }
  }]
  devices = {
    disks = [for i, disk in local.disks : {
      device    = "disk"
      driver    = { name = "qemu", type = disk.format, discard = disk.discard }
      source    = { file = { file = disk.path } }
      target    = { dev = "vd${substr("abc", i, 1)}", bus = "virtio" }
      serial    = disk.serial
      read_only = disk.read_only
    }]
    interfaces = [{
      mac    = { address = local.made.mac }
      model  = { type = "virtio" }
      source = { network = { network = local.made.network } }
    }]
    consoles = [{ target = { type = "serial", port = 0 } }]
    channels = [{ source = { unix = {} }, target = { virt_io = { name = "org.qemu.guest_agent.0" } } }]
    rngs     = [{ model = "virtio", backend = { random = "/dev/urandom" } }]
  }
  # K3s and its pods get two minutes to stop; then libvirt pulls the plug.
  update = { shutdown = { timeout = 120 } }

  lifecycle {
    replace_triggered_by = [terraform_data.generation]
  }
}
