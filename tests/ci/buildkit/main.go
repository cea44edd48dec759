// Reads a Dockerfile as BuildKit does, and prints what its linter says: dockerfile-lint FILE.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Warning is what a rule says of a line.
type Warning struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
	Line   int32  `json:"line"`
}

// anyImage answers for each base image without asking its registry: one with nothing set.
type anyImage struct{}

func (anyImage) ResolveImageConfig(_ context.Context, reference string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}`)
	return reference, digest.FromBytes(config), config, nil
}

func main() {
	if err := lint(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func lint(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	source := llb.NewSourceMap(nil, path, "Dockerfile", text)
	source.Definition = &llb.Definition{}
	caps := pb.Caps.CapSet(pb.Caps.All())
	results, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
		SourceMap:    source,
		MetaResolver: anyImage{},
		LLBCaps:      &caps,
	})
	if err != nil {
		return err
	}
	if results.Error != nil {
		return fmt.Errorf("%s", results.Error.Message)
	}
	warnings := []Warning{}
	for _, one := range results.Warnings {
		line := int32(0)
		if len(one.Location.Ranges) > 0 {
			line = one.Location.Ranges[0].Start.Line
		}
		warnings = append(warnings, Warning{one.RuleName, one.Detail, line})
	}
	return json.NewEncoder(os.Stdout).Encode(warnings)
}
