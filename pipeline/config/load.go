package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the configuration file at path and the mappings that it names. Relative paths in it are relative to its
// folder. Everything that is wrong comes back as one error of type [Problems]; another error
// means that the file itself could not be read.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("find folder of configuration: %w", err)
	}
	d := newDecoder(path, data)
	c := d.parse(data)
	d.mappings(c)
	c.resolve(dir)
	d.apart(c)
	return c, d.err()
}

// Parse decodes and checks a configuration without touching the disk: paths stay as written and no mapping is
// read. The name stands for the file in problems. The error, if any, is of type [Problems].
func Parse(name string, data []byte) (*Config, error) {
	d := newDecoder(name, data)
	c := d.parse(data)
	return c, d.err()
}

func (d *decoder) parse(data []byte) *Config {
	c := Default()
	if len(data) > maxFileBytes {
		d.add(Problem{Message: fmt.Sprintf("is %d bytes long; is it the right file?", len(data))})
		return c
	}
	d.decode(c)
	// Settings of a file that is no YAML are all missing, which helps nobody.
	if len(d.problems) == 0 || d.problems[0].Path != "" {
		d.validate(c)
	}
	return c
}

// maxFileBytes keeps a mistaken path to an export from being parsed as YAML.
const maxFileBytes = 1 << 20

// err returns the problems in the order of the files, the configuration's own first, or nil.
func (d *decoder) err() error {
	d.problems.inFileOrder()
	for _, file := range slices.Sorted(maps.Keys(d.inMappings)) {
		d.problems = append(d.problems, d.inMappings[file]...)
	}
	if len(d.problems) == 0 {
		return nil
	}
	return d.problems
}

// resolve makes the paths absolute.
func (c *Config) resolve(dir string) {
	abs := func(p string) string {
		if p == "" || filepath.IsAbs(p) || strings.Contains(p, "://") {
			return p
		}
		return filepath.Join(dir, filepath.FromSlash(p))
	}
	c.State = abs(c.State)
	for i := range c.Sources {
		c.Sources[i].Path = abs(c.Sources[i].Path)
		c.Sources[i].MappingFile = abs(c.Sources[i].MappingFile)
	}
}

// apart reports a state folder inside a folder of exports, where the night would read its own output.
func (d *decoder) apart(c *Config) {
	for i, s := range c.Sources {
		if s.Path == "" || c.State == "" || strings.Contains(s.Path, "://") {
			continue
		}
		rel, err := filepath.Rel(s.Path, c.State)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			d.report("state", fmt.Sprintf("lies inside the exports of sources[%d]", i), "choose a folder beside the exports")
		}
	}
}
