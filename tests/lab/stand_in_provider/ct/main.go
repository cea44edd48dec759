// A stand-in for the Terraform provider poseidon/ct 0.14.0, which the tests can't have: its one data source, on the same Butane library.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"

	butane "github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	ignition "github.com/coreos/ignition/v2/config/v3_4"
	"github.com/coreos/ignition/v2/config/v3_4/types"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	attribute "github.com/hashicorp/terraform-plugin-framework/types"
)

type standIn struct{}

func (standIn) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "ct"
}
func (standIn) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse)          {}
func (standIn) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (standIn) Resources(context.Context) []func() resource.Resource                              { return nil }
func (standIn) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return config{} }}
}

type config struct{}

type model struct {
	ID          attribute.String   `tfsdk:"id"`
	Content     attribute.String   `tfsdk:"content"`
	Strict      attribute.Bool     `tfsdk:"strict"`
	PrettyPrint attribute.Bool     `tfsdk:"pretty_print"`
	Snippets    []attribute.String `tfsdk:"snippets"`
	Rendered    attribute.String   `tfsdk:"rendered"`
}

func (config) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "ct_config"
}

func (config) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":           schema.StringAttribute{Computed: true},
		"content":      schema.StringAttribute{Required: true},
		"strict":       schema.BoolAttribute{Optional: true},
		"pretty_print": schema.BoolAttribute{Optional: true},
		"snippets":     schema.ListAttribute{ElementType: attribute.StringType, Optional: true},
		"rendered":     schema.StringAttribute{Computed: true},
	}}
}

// Read translates the content, and merges each snippet into it: by path and name, the last one wins.
func (config) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var wanted model
	resp.Diagnostics.Append(req.Config.Get(ctx, &wanted)...)
	if resp.Diagnostics.HasError() {
		return
	}
	merged, err := translate(wanted.Content.ValueString(), wanted.Strict.ValueBool())
	for _, snippet := range wanted.Snippets {
		if err != nil {
			break
		}
		var next types.Config
		if next, err = translate(snippet.ValueString(), wanted.Strict.ValueBool()); err == nil {
			merged = ignition.Merge(merged, next)
		}
	}
	if err != nil {
		resp.Diagnostics.AddError("Unable to transpile Butane", err.Error())
		return
	}
	text, err := json.Marshal(merged)
	if err != nil {
		resp.Diagnostics.AddError("Unable to write Ignition", err.Error())
		return
	}
	wanted.Rendered = attribute.StringValue(string(text))
	wanted.ID = attribute.StringValue(fmt.Sprintf("%x", sha256.Sum256(text))[:10])
	resp.Diagnostics.Append(resp.State.Set(ctx, &wanted)...)
}

func translate(content string, strict bool) (types.Config, error) {
	text, report, err := butane.TranslateBytes([]byte(content), common.TranslateBytesOptions{Raw: true})
	if err != nil {
		return types.Config{}, fmt.Errorf("%w: %s", err, report.String())
	}
	if strict && len(report.Entries) > 0 {
		return types.Config{}, fmt.Errorf("strict parsing error: %s", report.String())
	}
	found, problems, err := ignition.Parse(text)
	if err != nil {
		return types.Config{}, fmt.Errorf("%w: %s", err, problems.String())
	}
	return found, nil
}

func main() {
	options := providerserver.ServeOpts{Address: "registry.terraform.io/poseidon/ct"}
	if err := providerserver.Serve(context.Background(), func() provider.Provider { return standIn{} }, options); err != nil {
		log.Fatal(err)
	}
}
