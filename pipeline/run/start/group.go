package start

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// part sorts the files into systems, unknown ones and troubled ones.
func (f *Findings) part(files []*File, presets []*known) {
	byPreset := map[string][]*File{}
	var unknown []*File
	for _, file := range files {
		switch {
		case file.Trouble != "":
			f.Troubled = append(f.Troubled, file)
		case file.Preset == "":
			unknown = append(unknown, file)
		default:
			byPreset[file.Preset] = append(byPreset[file.Preset], file)
		}
	}
	for _, k := range presets {
		for _, in := range instances("", byPreset[k.name]) {
			in.Preset, in.Title = k.name, k.mapping.Title
			f.Instances = append(f.Instances, in)
		}
	}
	slices.SortStableFunc(f.Instances, func(a, b Instance) int { return strings.Compare(a.Folder, b.Folder) })
	names := map[string]bool{}
	for i := range f.Instances {
		in := &f.Instances[i]
		in.Name = unique(names, nameOf(in.Folder), in.Preset)
	}
	for _, folder := range folders(unknown) {
		u := Unknown{Folder: folder, Files: inFolder(unknown, folder)}
		u.Name = unique(names, nameOf(folder), strings.Trim(nameOf(folder)+"-other", "-"))
		f.Unknown = append(f.Unknown, u)
	}
}

// instances divides the files of one preset into systems. Two folders beside each other are two systems, such as
// the organisations of two regions, when both hold the same object; else they are parts of one. Folders that are
// named after days are deliveries of one system.
func instances(folder string, files []*File) []Instance {
	if len(files) == 0 {
		return nil
	}
	whole := []Instance{{Folder: folder, Files: files}}
	children := map[string][]*File{}
	var order []string
	for _, file := range files {
		child := childOf(folder, file.Path)
		if child == "" {
			return whole
		}
		if children[child] == nil {
			order = append(order, child)
		}
		children[child] = append(children[child], file)
	}
	if len(order) == 1 && !isDelivery(order[0]) {
		return instances(path.Join(folder, order[0]), files)
	}
	if slices.ContainsFunc(order, isDelivery) || !shareObject(order, children) {
		return whole
	}
	var out []Instance
	for _, child := range order {
		out = append(out, instances(path.Join(folder, child), children[child])...)
	}
	return out
}

// childOf returns the folder directly beneath folder in which the export at p lies, "" where it lies in folder
// itself. An archive is a file, not a folder.
func childOf(folder, p string) string {
	rest := p
	if folder != "" {
		rest = strings.TrimPrefix(p, folder+"/")
	}
	child, _, below := strings.Cut(rest, "/")
	if !below || archiveForm.MatchString(child) {
		return ""
	}
	return child
}

var (
	archiveForm = regexp.MustCompile(`(?i)\.(zip|gz|zst)$`)
	// deliveryForm are folders named after a day or month, such as 2026-10-31, 20261031, dt=2026-10-31 or 31.
	deliveryForm = regexp.MustCompile(`^([a-z_]+=)?[0-9][0-9TQWZ._:-]*$`)
)

func isDelivery(folder string) bool { return deliveryForm.MatchString(folder) }

// shareObject reports whether two folders hold the same object.
func shareObject(folders []string, files map[string][]*File) bool {
	first := map[string]string{}
	for _, folder := range folders {
		for _, f := range files[folder] {
			if other, ok := first[f.Object]; ok && other != folder {
				return true
			}
			first[f.Object] = folder
		}
	}
	return false
}

// folders returns the topmost folders in which files lie, in order.
func folders(files []*File) []string {
	var out []string
	for _, f := range files {
		if folder := childOf("", f.Path); !slices.Contains(out, folder) {
			out = append(out, folder)
		}
	}
	slices.Sort(out)
	return out
}

func inFolder(files []*File, folder string) []*File {
	var out []*File
	for _, f := range files {
		if childOf("", f.Path) == folder {
			out = append(out, f)
		}
	}
	return out
}

// nameOf makes a name of a source from its folder: what follows the last slash, in small letters, with dashes for
// everything else. "" for the whole place.
func nameOf(folder string) string {
	if folder == "" {
		return ""
	}
	name := strings.Trim(unnamable.ReplaceAllString(strings.ToLower(path.Base(folder)), "-"), "-._")
	const longest = 40
	return name[:min(len(name), longest)]
}

var unnamable = regexp.MustCompile(`[^a-z0-9._]+`)

// unique returns a name that is not taken, and takes it: that of the folder, else that of the preset, else one with
// both, else one with a number.
func unique(taken map[string]bool, folder, system string) string {
	both := strings.Trim(folder+"-"+system, "-")
	name := both
	switch {
	case folder != "" && !taken[folder]:
		name = folder
	case !taken[system]:
		name = system
	}
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", both, i)
	}
	taken[name] = true
	return name
}
