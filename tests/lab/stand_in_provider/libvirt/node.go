package main

import (
	"context"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// nodeInfo tells the size of the hypervisor.
type nodeInfo struct{ virt *golibvirt.Libvirt }

func (*nodeInfo) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "libvirt_node_info"
}

func (*nodeInfo) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":                   schema.StringAttribute{Computed: true},
		"cpu_model":            schema.StringAttribute{Computed: true},
		"memory_total_kb":      schema.Int64Attribute{Computed: true},
		"cpu_cores_total":      schema.Int64Attribute{Computed: true},
		"numa_nodes":           schema.Int64Attribute{Computed: true},
		"cpu_sockets":          schema.Int64Attribute{Computed: true},
		"cpu_cores_per_socket": schema.Int64Attribute{Computed: true},
		"cpu_threads_per_core": schema.Int64Attribute{Computed: true},
	}}
}

func (n *nodeInfo) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if virt, ok := req.ProviderData.(*golibvirt.Libvirt); ok {
		n.virt = virt
	}
}

func (n *nodeInfo) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	model, memory, cpus, _, nodes, sockets, cores, threads, err := n.virt.NodeGetInfo()
	if err != nil {
		resp.Diagnostics.AddError("Failed to get node information", err.Error())
		return
	}
	var processor strings.Builder
	for _, letter := range model {
		if letter != 0 {
			processor.WriteByte(byte(letter))
		}
	}
	numbers := map[string]int64{
		"memory_total_kb": int64(memory), "cpu_cores_total": int64(cpus), "numa_nodes": int64(nodes), "cpu_sockets": int64(sockets),
		"cpu_cores_per_socket": int64(cores), "cpu_threads_per_core": int64(threads),
	}
	for name, value := range numbers {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), processor.String())...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("cpu_model"), processor.String())...)
}
