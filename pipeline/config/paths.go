package config

import (
	"reflect"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// settingsNamed returns the full paths of all settings and sections whose last part is name.
func settingsNamed(name string) []string {
	var out []string
	for _, path := range settingPaths(reflect.TypeFor[Config](), "") {
		if path[strings.LastIndexByte(path, '.')+1:] == name {
			out = append(out, path)
		}
	}
	return out
}

// settingPaths returns the paths of all sections and settings below prefix; a source is sources[].
func settingPaths(t reflect.Type, prefix string) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		path := join(prefix, name)
		out = append(out, path)
		switch {
		case f.Type.Kind() == reflect.Struct:
			out = append(out, settingPaths(f.Type, path)...)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			out = append(out, settingPaths(f.Type.Elem(), path+"[]")...)
		}
	}
	return out
}

// elsewhere knows keys that people will try: names of the metric definitions that this file states in another
// place, and features that are described but not built. It returns "" for any other key.
func elsewhere(path string) (message, hint string) {
	if section := parent(path); strings.HasPrefix(section, "sources[") {
		switch path[len(section)+1:] {
		case "files", "pattern", "patterns":
			return "unknown setting", "file patterns are stated in the mapping, under objects"
		}
	}
	switch path {
	case "deliver":
		return "delivery by mail or webhook is not available", "the results are in <state>/published/current"
	case "fiscal":
		return "unknown setting", yamltext.DidYouMean + "program.fiscal_year?"
	case "calendar":
		return "unknown setting", yamltext.DidYouMean + "program.timezone?"
	case "alert":
		return "unknown setting", yamltext.DidYouMean + "alerts?"
	case "metrics.mdf", "mdf":
		return "the metrics of market development funds are not computed", ""
	}
	return "", ""
}
