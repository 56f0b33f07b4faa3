package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

// mappings reads the mapping file of every source, named relative to the configuration, applies the source's
// time zone, and checks what only the whole configuration can tell. Problems inside a mapping follow those of
// the configuration, once for each file.
func (d *decoder) mappings(c *Config) {
	names := make([]string, len(c.Sources))
	for i, s := range c.Sources {
		names[i] = s.Name
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		if s.MappingFile == "" {
			continue
		}
		at := fmt.Sprintf("sources[%d]", i)
		if s.Mapping = d.mapping(at+".mapping", s.MappingFile); s.Mapping == nil {
			continue
		}
		for j := range s.Mapping.Objects {
			o := &s.Mapping.Objects[j]
			if o.Read.TimeZone == "" {
				o.Read.TimeZone = s.Timezone
			}
			d.timezoneOf(at, o)
			d.references(at, o, names)
		}
	}
}

// mapping reads one mapping file; nil where that fails.
func (d *decoder) mapping(at, name string) *preset.Mapping {
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(d.file), file)
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		d.report(at, "there is no file "+file, "write the mapping, or correct the path, which is relative to this file")
		return nil
	}
	if err != nil {
		d.report(at, "read mapping: "+err.Error(), "")
		return nil
	}
	m, err := preset.Parse(file, data)
	var problems preset.Problems
	switch {
	case errors.As(err, &problems):
		d.inMappings[file] = problems
		return nil
	case err != nil:
		d.report(at, err.Error(), "")
		return nil
	}
	return m
}

// timezoneOf reports an object whose times carry no zone while neither mapping nor source states one.
func (d *decoder) timezoneOf(at string, o *preset.Object) {
	if o.Read.TimeZone != "" {
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
	known := make(map[string]bool)
	for _, n := range names {
		known[n] = true
	}
	for _, t := range o.Tables {
		for _, col := range t.Columns {
			if col.Source == "" || known[col.Source] {
				continue
			}
			d.report(at+".mapping", fmt.Sprintf("%s.%s of object %s refers to the source %q, which is not configured",
				t.Name, col.Name, o.Name, col.Source), suggest(col.Source, names))
		}
	}
}

// NeedsEmailKey reports whether a mapping hashes e-mail addresses, for which the run must be given the key.
func (c *Config) NeedsEmailKey() bool {
	for _, s := range c.Sources {
		if s.Mapping == nil {
			continue
		}
		for _, o := range s.Mapping.Objects {
			for _, t := range o.Tables {
				for _, col := range t.Columns {
					if _, ok := col.Transform(preset.HMACEmail); ok {
						return true
					}
				}
			}
		}
	}
	return false
}
