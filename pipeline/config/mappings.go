package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/builtin"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// timezoneParameter is the parameter that takes the source's own zone where nothing else sets it.
const timezoneParameter = "timezone"

// mappings reads preset and mapping file of every source, the latter named relative to the configuration, with the
// parameters, aliases and time zone of the source, and checks what only the whole configuration can tell. Problems
// inside a mapping file follow those of the configuration, once for each file.
func (d *decoder) mappings(c *Config) {
	names := make([]string, len(c.Sources))
	for i, s := range c.Sources {
		names[i] = s.Name
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		at := fmt.Sprintf("sources[%d]", i)
		if s.Mapping = d.mapping(at, s); s.Mapping == nil {
			continue
		}
		for j := range s.Mapping.Objects {
			o := &s.Mapping.Objects[j]
			withZone(o, s.Timezone)
			d.timezoneOf(at, o)
			d.references(at, o, names)
		}
		d.aliases(at, s)
	}
}

// mapping returns what preset and mapping file of a source say together; nil where one of them fails.
func (d *decoder) mapping(at string, s *Source) *preset.Mapping {
	var base, own *preset.Mapping
	var declared []preset.Parameter
	isWhole := true
	if s.Preset != "" {
		data, err := builtin.Read(s.Preset)
		if err != nil {
			return nil // reported as a value of preset
		}
		base = d.parseMapping(at, s, s.Preset, data, &declared)
		isWhole = base != nil
	}
	if s.MappingFile != "" {
		file := filepath.FromSlash(s.MappingFile)
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(d.file), file)
		}
		data, ok := d.readMapping(at+".mapping", file)
		if !ok {
			return nil
		}
		own = d.parseMapping(at, s, file, data, &declared)
		isWhole = isWhole && own != nil
	}
	d.parameters(at, s, declared)
	switch {
	case !isWhole:
		return nil
	case own == nil:
		return base
	case base == nil:
		return own
	}
	return preset.Merge(own, base)
}

// readMapping reads a mapping file; ok is false where that fails.
func (d *decoder) readMapping(at, file string) (data []byte, ok bool) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.report(at, "there is no file "+file, "write the mapping, or correct the path, which is relative to this file")
	case err != nil:
		d.report(at, "read mapping: "+err.Error(), "")
	}
	return data, err == nil
}

// parseMapping parses a preset or mapping file for a source; nil where it has problems. It adds the parameters that
// are declared.
func (d *decoder) parseMapping(at string, s *Source, file string, data []byte, declared *[]preset.Parameter) *preset.Mapping {
	// What is wrong with the declarations is told by Parse.
	parameters, _ := preset.Parameters(file, data)
	*declared = append(*declared, parameters...)
	with := preset.With{Source: s.Name, Parameters: maps.Clone(s.With), Aliases: s.Aliases}
	if _, isStated := s.With[timezoneParameter]; !isStated && s.Timezone != "" {
		if with.Parameters == nil {
			with.Parameters = make(map[string]preset.Value)
		}
		with.Parameters[timezoneParameter] = preset.Texts(s.Timezone)
	}
	m, err := preset.Parse(file, data, with)
	if err == nil {
		return m
	}
	var problems preset.Problems
	if !errors.As(err, &problems) {
		d.report(at, err.Error(), "")
		return nil
	}
	var inFile preset.Problems
	for _, p := range problems {
		if p.Parameter == "" {
			inFile = append(inFile, p)
			continue
		}
		d.ofParameter(at, s, p, parameters)
	}
	if len(inFile) > 0 {
		d.inMappings[file] = inFile
	}
	return nil
}

// ofParameter reports a problem of a mapping that the source has to mend: a parameter that it does not set, or sets to
// what cannot stand in its place.
func (d *decoder) ofParameter(at string, s *Source, p preset.Problem, declared []preset.Parameter) {
	path, message, hint := at+".with."+p.Parameter, p.Message, p.Hint
	_, isStated := s.With[p.Parameter]
	i := slices.IndexFunc(declared, func(q preset.Parameter) bool { return q.Name == p.Parameter })
	switch isDeclaration := strings.HasPrefix(p.Path, "parameters."); {
	case p.Parameter == timezoneParameter && !isStated && s.Timezone != "":
		path = at + ".timezone"
	case i >= 0 && (isDeclaration || !isStated):
		hint = howToSet(&declared[i])
	case !isDeclaration:
		message = fmt.Sprintf("in %s: %s", p.Path, p.Message)
	}
	d.report(path, message, hint)
}

// howToSet says what a parameter is and how a source states it.
func howToSet(p *preset.Parameter) string {
	if p.Name == timezoneParameter {
		return p.About + "; for example timezone: Europe/Berlin"
	}
	value := "..."
	if p.Example != nil {
		value = p.Example.String()
	}
	return fmt.Sprintf("%s; for example with: {%s: %s}", p.About, p.Name, value)
}

// parameters reports values for parameters that neither preset nor mapping declare.
func (d *decoder) parameters(at string, s *Source, declared []preset.Parameter) {
	known := make([]string, len(declared))
	for i, p := range declared {
		known[i] = p.Name
	}
	for _, name := range slices.Sorted(maps.Keys(s.With)) {
		if slices.Contains(known, name) {
			continue
		}
		hint := yamltext.Suggest(name, known)
		switch {
		case hint == "" && len(known) == 0:
			hint = "the mapping has no parameters"
		case hint == "":
			hint = "parameters of the mapping: " + strings.Join(known, ", ")
		}
		d.report(at+".with."+name, "is no parameter of the mapping", hint)
	}
}

// aliases reports further names for columns that the mapping does not read.
func (d *decoder) aliases(at string, s *Source) {
	var read []string
	for i := range s.Mapping.Objects {
		o := &s.Mapping.Objects[i]
		read = append(read, o.SourceColumns()...)
		for _, names := range o.Header {
			read = append(read, names...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Aliases)) {
		if !slices.ContainsFunc(read, func(column string) bool { return preset.Fold(column) == preset.Fold(name) }) {
			d.report(at+".aliases."+name, "the mapping reads no column of this name", yamltext.Suggest(name, read))
		}
	}
}

// withZone gives an object and its dialects the source's time zone where they state none.
func withZone(o *preset.Object, zone string) {
	if o.Read.TimeZone == "" {
		o.Read.TimeZone = zone
	}
	for i := range o.Dialects {
		if o.Dialects[i].Read.TimeZone == "" {
			o.Dialects[i].Read.TimeZone = zone
		}
	}
}

// timezoneOf reports an object whose times carry no zone while neither mapping nor source states one. Where a
// dialect states one, the others are those whose times carry theirs.
func (d *decoder) timezoneOf(at string, o *preset.Object) {
	if o.Read.TimeZone != "" || slices.ContainsFunc(o.Dialects, func(dialect preset.Dialect) bool { return dialect.Read.TimeZone != "" }) {
		return
	}
	for _, t := range o.Tables {
		for _, col := range t.Columns {
			if needsZone(&col) {
				d.report(at+".timezone", fmt.Sprintf("%s.%s of object %s carries no zone, so it must be stated", t.Name, col.Name, o.Name),
					"add: timezone: Europe/Berlin (the zone in which the export is written)")
				return
			}
		}
	}
}

// needsZone reports whether a column's layouts leave the zone open: a time without one, or a day cut from a moment.
func needsZone(c *preset.Column) bool {
	for _, t := range c.Transforms {
		for _, text := range t.Layouts {
			layout, err := transform.CompileLayout(text)
			if err == nil && layout.HasZone() != (t.Name == preset.TS) {
				return true
			}
		}
	}
	return false
}

// references reports ids that a mapping makes for a source that is not configured: they would never meet.
func (d *decoder) references(at string, o *preset.Object, names []string) {
	for _, t := range o.Tables {
		for _, col := range t.Columns {
			sources := []string{col.Source}
			for _, ref := range col.References {
				sources = append(sources, ref.Source)
			}
			for _, source := range sources {
				if source != "" && !slices.Contains(names, source) {
					d.report(at+".mapping", fmt.Sprintf("%s.%s of object %s refers to the source %q, which is not configured",
						t.Name, col.Name, o.Name, source), yamltext.Suggest(source, names))
				}
			}
		}
	}
}

// NeedsEmailKey reports whether a mapping hashes e-mail addresses, for which the run must be given the key.
func (c *Config) NeedsEmailKey() bool {
	return slices.ContainsFunc(c.Sources, func(s Source) bool {
		return s.Mapping != nil && slices.ContainsFunc(s.Mapping.Objects, func(o preset.Object) bool { return o.HashesEmails() })
	})
}
