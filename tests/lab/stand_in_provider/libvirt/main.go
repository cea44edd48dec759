// A stand-in for the Terraform provider dmacvicar/libvirt 0.9.7, which the tests can't have. It knows the part of the schema that the rendered
// modules use, acts on the libvirtd that its uri names, and has the real one's habits as far as plans and applies depend on them; see README.md
// beside this folder.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type standIn struct{}

func (standIn) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "libvirt"
}

func (standIn) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"uri": schema.StringAttribute{Optional: true}}}
}

func (standIn) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var uri types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("uri"), &uri)...)
	if resp.Diagnostics.HasError() {
		return
	}
	virt, err := connect(uri.ValueString())
	if err != nil {
		resp.Diagnostics.AddError("Failed to connect to libvirt", err.Error())
		return
	}
	resp.ResourceData = virt
	resp.DataSourceData = virt
}

func (standIn) Resources(context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for _, kind := range kinds {
		all = append(all, func() resource.Resource { return &thing{kind: kind} })
	}
	return all
}

func (standIn) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return &nodeInfo{} }}
}

func main() {
	options := providerserver.ServeOpts{Address: "registry.terraform.io/dmacvicar/libvirt"}
	if err := providerserver.Serve(context.Background(), func() provider.Provider { return standIn{} }, options); err != nil {
		log.Fatal(err)
	}
}
