package main

import (
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// values are the arguments and results of one thing, by name.
type values map[string]tftypes.Value

func read(raw tftypes.Value) (values, error) {
	found := map[string]tftypes.Value{}
	return found, raw.As(&found)
}

func (v values) write(kind tftypes.Type) tftypes.Value {
	return tftypes.NewValue(kind, map[string]tftypes.Value(v))
}

// at returns what is below a name, or nothing where some part of the way is not given.
func (v values) at(names ...string) tftypes.Value {
	current := v
	for i, name := range names {
		value, known := current[name]
		if !known || value.IsNull() || !value.IsKnown() {
			return tftypes.Value{}
		}
		if i == len(names)-1 {
			return value
		}
		next, err := read(value)
		if err != nil {
			return tftypes.Value{}
		}
		current = next
	}
	return tftypes.Value{}
}

func (v values) text(names ...string) string {
	var found string
	if value := v.at(names...); value.Type() != nil && value.As(&found) == nil {
		return found
	}
	return ""
}

func (v values) flag(names ...string) (given, set bool) {
	value := v.at(names...)
	given = value.Type() != nil && value.As(&set) == nil
	return given, set
}

// each returns the objects of a list.
func (v values) each(names ...string) []values {
	var items []tftypes.Value
	value := v.at(names...)
	if value.Type() == nil || value.As(&items) != nil {
		return nil
	}
	var all []values
	for _, item := range items {
		if one, err := read(item); err == nil {
			all = append(all, one)
		}
	}
	return all
}

func (v values) setText(name, value string) { v[name] = tftypes.NewValue(tftypes.String, value) }
func (v values) setNumber(name string, value int64) {
	v[name] = tftypes.NewValue(tftypes.Number, big.NewFloat(float64(value)))
}

// fill gives a value to what is computed and not known yet.
func (v values) fill(name string, value tftypes.Value) {
	if present, known := v[name]; known && !present.IsKnown() {
		v[name] = value
	}
}

// plain returns a value as JSON has it.
func plain(value tftypes.Value) any {
	if value.IsNull() || !value.IsKnown() {
		return nil
	}
	var text string
	var truth bool
	var size big.Float
	var items []tftypes.Value
	entries := map[string]tftypes.Value{}
	switch {
	case value.As(&text) == nil:
		return text
	case value.As(&truth) == nil:
		return truth
	case value.As(&size) == nil:
		whole, _ := size.Int64()
		return whole
	case value.As(&items) == nil:
		all := []any{}
		for _, item := range items {
			all = append(all, plain(item))
		}
		return all
	case value.As(&entries) == nil:
		all := map[string]any{}
		for name, entry := range entries {
			if content := plain(entry); content != nil {
				all[name] = content
			}
		}
		return all
	}
	return nil
}
