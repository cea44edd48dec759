package main

import (
	"context"
	"errors"
	"fmt"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// thing is a resource of one kind.
type thing struct {
	kind *kind
	virt *golibvirt.Libvirt
}

func (t *thing) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "libvirt_" + t.kind.name
}

func (t *thing) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: t.kind.schema}
}

func (t *thing) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if virt, ok := req.ProviderData.(*golibvirt.Libvirt); ok {
		t.virt = virt
	}
}

func (t *thing) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	planned, err := read(req.Plan.Raw)
	if err == nil {
		err = t.kind.make(t.virt, planned)
	}
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Creation Failed", err.Error())
		return
	}
	resp.State.Raw = encode(req.Plan.Raw.Type(), planned)
}

func (t *thing) Read(_ context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	present, err := read(req.State.Raw)
	if err == nil {
		err = t.kind.look(t.virt, present)
	}
	switch {
	case errors.Is(err, errGone):
		resp.State.Raw = tftypes.NewValue(req.State.Raw.Type(), nil)
	case err != nil:
		resp.Diagnostics.AddError(t.kind.name+" Read Failed", err.Error())
	default:
		resp.State.Raw = encode(req.State.Raw.Type(), present)
	}
}

func (t *thing) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	if t.kind.change == nil {
		resp.Diagnostics.AddError("Update Not Supported", fmt.Sprintf("a libvirt_%s can't be changed in place", t.kind.name))
		return
	}
	planned, err := read(req.Plan.Raw)
	var before tree
	if err == nil {
		before, err = read(req.State.Raw)
	}
	if err == nil {
		err = t.kind.change(t.virt, planned, before)
	}
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Update Failed", err.Error())
		return
	}
	resp.State.Raw = encode(req.Plan.Raw.Type(), planned)
}

func (t *thing) Delete(_ context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	present, err := read(req.State.Raw)
	if err == nil {
		err = t.kind.remove(t.virt, present)
	}
	if err != nil {
		resp.Diagnostics.AddError(t.kind.name+" Deletion Failed", err.Error())
	}
}
