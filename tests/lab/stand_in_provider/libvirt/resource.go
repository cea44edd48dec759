package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// thing is a resource of one kind.
type thing struct {
	kind *kind
	host *host
}

func (t *thing) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "libvirt_" + t.kind.name
}

func (t *thing) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: t.kind.schema}
}

func (t *thing) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if made, ok := req.ProviderData.(*host); ok {
		t.host = made
	}
}

// apply reads what was planned, has it done, and returns what came out.
func (t *thing) apply(do func(*host, values) error, planned tftypes.Value) (tftypes.Value, error) {
	wanted, err := read(planned)
	if err != nil {
		return planned, err
	}
	if err := do(t.host, wanted); err != nil {
		return planned, err
	}
	return wanted.write(planned.Type()), nil
}

func (t *thing) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	made, err := t.apply(t.kind.make, req.Plan.Raw)
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Creation Failed", err.Error())
		return
	}
	resp.State.Raw = made
}

func (t *thing) Read(_ context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	present, err := read(req.State.Raw)
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Read Failed", err.Error())
		return
	}
	if !t.kind.look(t.host, present) {
		resp.State.Raw = tftypes.NewValue(req.State.Raw.Type(), nil)
		return
	}
	resp.State.Raw = present.write(req.State.Raw.Type())
}

func (t *thing) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	if t.kind.change == nil {
		resp.Diagnostics.AddError("Update Not Supported", fmt.Sprintf("a libvirt_%s can't be changed in place", t.kind.name))
		return
	}
	changed, err := t.apply(t.kind.change, req.Plan.Raw)
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Update Failed", err.Error())
		return
	}
	resp.State.Raw = changed
}

func (t *thing) Delete(_ context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	present, err := read(req.State.Raw)
	if err == nil {
		err = t.kind.remove(t.host, present)
	}
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Deletion Failed", err.Error())
	}
}

// nodeInfo tells the size of the hypervisor.
type nodeInfo struct{ host *host }

func (*nodeInfo) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "libvirt_node_info"
}

func (*nodeInfo) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataschema.Schema{Attributes: map[string]dataschema.Attribute{
		"id":                   dataschema.StringAttribute{Computed: true},
		"cpu_model":            dataschema.StringAttribute{Computed: true},
		"memory_total_kb":      dataschema.Int64Attribute{Computed: true},
		"cpu_cores_total":      dataschema.Int64Attribute{Computed: true},
		"numa_nodes":           dataschema.Int64Attribute{Computed: true},
		"cpu_sockets":          dataschema.Int64Attribute{Computed: true},
		"cpu_cores_per_socket": dataschema.Int64Attribute{Computed: true},
		"cpu_threads_per_core": dataschema.Int64Attribute{Computed: true},
	}}
}

func (n *nodeInfo) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if made, ok := req.ProviderData.(*host); ok {
		n.host = made
	}
}

func (n *nodeInfo) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	size, err := n.host.size()
	if err != nil {
		resp.Diagnostics.AddError("Failed to get node information", err.Error())
		return
	}
	numbers := map[string]int64{
		"memory_total_kb": size.MemoryKB, "cpu_cores_total": size.Cores, "numa_nodes": 1, "cpu_sockets": 1,
		"cpu_cores_per_socket": size.Cores, "cpu_threads_per_core": 1,
	}
	for name, value := range numbers {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), identity(n.host.root))...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("cpu_model"), "x86_64")...)
}
