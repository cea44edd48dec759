package main

import (
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// tree is an object of Terraform's. Below a name lies nil, a string, a bool, an int64, another tree, a list, or unknown.
type tree map[string]any

// unknown is what a plan can't say yet.
type unknown struct{}

func decode(value tftypes.Value) (any, error) {
	if !value.IsKnown() {
		return unknown{}, nil
	}
	if value.IsNull() {
		return nil, nil
	}
	switch kind := value.Type(); {
	case kind.Is(tftypes.String):
		var held string
		err := value.As(&held)
		return held, err
	case kind.Is(tftypes.Bool):
		var held bool
		err := value.As(&held)
		return held, err
	case kind.Is(tftypes.Number):
		var held big.Float
		err := value.As(&held)
		whole, _ := held.Int64()
		return whole, err
	case kind.Is(tftypes.List{}):
		var held []tftypes.Value
		if err := value.As(&held); err != nil {
			return nil, err
		}
		items := make([]any, len(held))
		for i, item := range held {
			var err error
			if items[i], err = decode(item); err != nil {
				return nil, err
			}
		}
		return items, nil
	case kind.Is(tftypes.Object{}):
		held := map[string]tftypes.Value{}
		if err := value.As(&held); err != nil {
			return nil, err
		}
		object := tree{}
		for name, item := range held {
			var err error
			if object[name], err = decode(item); err != nil {
				return nil, err
			}
		}
		return object, nil
	default:
		return nil, fmt.Errorf("a value of the kind %s is not in the stand-in's schema", kind)
	}
}

// read returns a whole resource, plan or state; the tree is empty where there is none.
func read(raw tftypes.Value) (tree, error) {
	value, err := decode(raw)
	object, _ := value.(tree)
	return object, err
}

func encode(kind tftypes.Type, value any) tftypes.Value {
	switch held := value.(type) {
	case unknown:
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	case int64:
		return tftypes.NewValue(kind, new(big.Float).SetInt64(held))
	case []any:
		items := make([]tftypes.Value, len(held))
		for i, item := range held {
			items[i] = encode(kind.(tftypes.List).ElementType, item)
		}
		return tftypes.NewValue(kind, items)
	case tree:
		object := map[string]tftypes.Value{}
		for name, inner := range kind.(tftypes.Object).AttributeTypes {
			object[name] = encode(inner, held[name])
		}
		return tftypes.NewValue(kind, object)
	default:
		return tftypes.NewValue(kind, held)
	}
}

// at returns what lies below a name, or nil where some part of the way is not given.
func (t tree) at(names ...string) any {
	for _, name := range names[:len(names)-1] {
		t, _ = t[name].(tree)
	}
	return t[names[len(names)-1]]
}

func (t tree) has(names ...string) bool {
	_, open := t.at(names...).(unknown)
	return !open && t.at(names...) != nil
}

func (t tree) text(names ...string) string {
	held, _ := t.at(names...).(string)
	return held
}

func (t tree) number(names ...string) uint {
	held, _ := t.at(names...).(int64)
	return uint(held)
}

func (t tree) flag(names ...string) bool {
	held, _ := t.at(names...).(bool)
	return held
}

// each returns the objects of a list.
func (t tree) each(names ...string) []tree {
	items, _ := t.at(names...).([]any)
	all := make([]tree, 0, len(items))
	for _, item := range items {
		if object, ok := item.(tree); ok {
			all = append(all, object)
		}
	}
	return all
}

// back writes what libvirt says over what was asked for. What nobody asked for stays out of the state, as the real provider has it.
func (t tree) back(said any, names ...string) {
	if t.at(names...) == nil {
		return
	}
	if said == "" {
		said = nil
	}
	for _, name := range names[:len(names)-1] {
		t, _ = t[name].(tree)
	}
	t[names[len(names)-1]] = said
}

// shorten leaves out of a list what libvirt no longer has.
func (t tree) shorten(size int, names ...string) []tree {
	if items, _ := t.at(names...).([]any); len(items) > size {
		t.back(items[:size], names...)
	}
	return t.each(names...)
}
