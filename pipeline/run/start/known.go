package start

import (
	"fmt"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/builtin"
)

// known is a built-in preset.
type known struct {
	name       string
	data       []byte
	parameters []preset.Parameter
	// mapping has the examples of the required parameters, whole those of all.
	mapping, whole *preset.Mapping
	// tried are the mappings of trials that were made, by parameter and value.
	tried map[string]*preset.Mapping
}

// load returns the built-in presets in alphabetical order.
func load() ([]*known, error) {
	var out []*known
	for _, name := range builtin.Names() {
		k, err := newKnown(name)
		if err != nil {
			return nil, fmt.Errorf("read preset %s: %w", name, err)
		}
		out = append(out, k)
	}
	return out, nil
}

func newKnown(name string) (*known, error) {
	data, err := builtin.Read(name)
	if err != nil {
		return nil, err
	}
	k := &known{name: name, data: data, tried: map[string]*preset.Mapping{}}
	if k.parameters, err = preset.Parameters(name, data); err != nil {
		return nil, err
	}
	if k.mapping, err = k.parse(nil); err != nil {
		return nil, err
	}
	all := map[string]preset.Value{}
	for _, p := range k.parameters {
		if p.Example != nil {
			all[p.Name] = *p.Example
		}
	}
	k.whole, err = k.parse(all)
	return k, err
}

// parse returns the mapping with the examples of its required parameters, and with further values.
func (k *known) parse(further map[string]preset.Value) (*preset.Mapping, error) {
	with := preset.With{Source: k.name, Parameters: map[string]preset.Value{}}
	for _, p := range k.parameters {
		if v, ok := further[p.Name]; ok {
			with.Parameters[p.Name] = v
		} else if p.Required && p.Example != nil {
			with.Parameters[p.Name] = *p.Example
		}
	}
	return preset.Parse(k.name, k.data, with)
}

// with returns the mapping with one parameter set; nil where it cannot be so.
func (k *known) with(parameter string, v preset.Value) *preset.Mapping {
	key := parameter + "=" + v.String()
	if m, ok := k.tried[key]; ok {
		return m
	}
	m, err := k.parse(map[string]preset.Value{parameter: v})
	if err != nil {
		m = nil
	}
	k.tried[key] = m
	return m
}

// optional returns the parameters that have neither a value nor a default.
func (k *known) optional() []preset.Parameter {
	var out []preset.Parameter
	for _, p := range k.parameters {
		if !p.Required && p.Default == nil && p.Example != nil {
			out = append(out, p)
		}
	}
	return out
}

// waits returns the parameters without which a preset has not the object called name.
func (k *known) waits(name string) []string {
	var out []string
	for _, p := range k.optional() {
		if m := k.with(p.Name, *p.Example); m != nil && objectOf(m, name) != nil {
			out = append(out, p.Name)
		}
	}
	return out
}

// encodingOf returns the parameter that says in which encoding the files of an object and dialect are; "" for none.
func (k *known) encodingOf(object, dialect, encoding string) string {
	for _, p := range k.parameters {
		if p.List || p.Map || !strings.Contains(p.Name, "encoding") {
			continue
		}
		m := k.with(p.Name, preset.Texts(encoding))
		if m == nil {
			continue
		}
		if o := objectOf(m, object); o != nil && readOf(o, dialect).Encoding == encoding {
			return p.Name
		}
	}
	return ""
}

func objectOf(m *preset.Mapping, name string) *preset.Object {
	for i := range m.Objects {
		if m.Objects[i].Name == name {
			return &m.Objects[i]
		}
	}
	return nil
}

// readOf returns how an object is read in a dialect.
func readOf(o *preset.Object, dialect string) preset.ReadOptions {
	for i := range o.Dialects {
		if o.Dialects[i].Name == dialect {
			return o.Dialects[i].Read
		}
	}
	return o.Read
}

func (k *known) parameter(name string) preset.Parameter {
	for _, p := range k.parameters {
		if p.Name == name {
			return p
		}
	}
	return preset.Parameter{Name: name}
}

func find(presets []*known, name string) *known {
	for _, k := range presets {
		if k.name == name {
			return k
		}
	}
	return &known{name: name, mapping: &preset.Mapping{}}
}
