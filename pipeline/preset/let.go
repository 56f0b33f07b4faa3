package preset

import (
	"fmt"
	"slices"
)

// Let is a text of the record that the mapping gives a name: made once for each record, from columns or from the name
// of the file, and read as @name like a column. It is how a part of a key can be transformed alone, how a key can have
// parts that some records lack, and how the name of a file becomes part of a key.
type Let struct {
	Name string `json:"name"`
	// From and Transforms are those of a Column that is filled with text: alternatives, or all parts of concat. From may
	// read lets before this one. Without From and from_filename the let is null in every record.
	From       []Names     `json:"from,omitempty"`
	Transforms []Transform `json:"transform,omitempty"`
}

// Virtual returns the name by which columns read the let.
func (l *Let) Virtual() string { return "@" + l.Name }

// Column returns the column of text that a let is made like.
func (l *Let) Column() Column {
	return Column{Name: l.Name, From: l.From, Transforms: l.Transforms}
}

// refusing are the transforms of text that can refuse one. They belong to the column that reads the let, because a
// refusal is told with the column that it is for.
var refusing = []TransformName{ID18, Domain, HMACEmail}

// maxShift is how far shift may move a decimal point.
const maxShift = 18

// let decodes the lets of an object, and remembers their names for what reads them.
func (r *reader) let(m member) []Let {
	var out []Let
	for _, f := range r.members(m.path, m.value, nil) {
		l := Let{Name: f.key}
		isWanted := r.wanted(f)
		for _, part := range r.members(f.path, f.value, []string{"from", "transform", "needs"}) {
			switch {
			case !isWanted:
			case part.key == "from":
				l.From = r.columns(part)
			case part.key == "transform":
				l.Transforms = r.transforms(part)
			}
		}
		c := l.Column()
		if !c.JoinsAll() && len(c.From) > 1 {
			l.From = []Names{slices.Concat(c.From...)}
		}
		if isWanted {
			r.checkLet(f.path, &l)
		}
		out = append(out, l)
		r.lets = append(r.lets, l.Virtual())
	}
	return out
}

func (r *reader) checkLet(path string, l *Let) {
	if !virtualForm.MatchString(l.Name) {
		r.report(path, fmt.Sprintf("%q is no name of a value", l.Name), "use small letters, digits and _; it is then read as from: [\"@name\"]")
	}
	if slices.Contains(r.lets, l.Virtual()) {
		r.report(path, fmt.Sprintf("names %q twice", l.Name), "")
	}
	for _, names := range l.From {
		for _, name := range names {
			if IsVirtual(name) && !slices.Contains(r.lets, name) {
				r.report(path+".from", fmt.Sprintf("reads %s, which no let before it makes", name), "")
			}
		}
	}
	c := l.Column()
	_, isFileName := c.Transform(FromFilename)
	if isFileName == (len(l.From) > 0) {
		r.report(path, "needs from, columns of the export, or the transform from_filename", "")
	}
	for i := range l.Transforms {
		t := &l.Transforms[i]
		switch fills, _ := t.Name.Fills(); {
		case fills != 0:
			r.report(path+".transform", fmt.Sprintf("holds %s, which fills %s, but a let is text", t.Name, fills), "name the transform where the let is read")
		case slices.Contains(refusing, t.Name):
			r.report(path+".transform", fmt.Sprintf("holds %s, which can refuse a value", t.Name), "name the transform where the let is read")
		}
	}
}

// behind returns names with the columns of the export that its lets are made of in their place.
func (o *Object) behind(names Names) Names {
	var out Names
	for _, name := range names {
		i := slices.IndexFunc(o.Let, func(l Let) bool { return l.Virtual() == name })
		if i < 0 {
			out = append(out, name)
			continue
		}
		for _, from := range o.Let[i].From {
			out = append(out, o.behind(from)...)
		}
	}
	return out
}
