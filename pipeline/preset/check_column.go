package preset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

func (r *reader) checkColumn(path string, c *Column, column contract.Column, table *contract.Table) {
	r.checkOrigin(path, c)
	r.checkKey(path, c, column, table)
	r.checkTransforms(path+".transform", c, column)
	if c.Map == nil && c.Match == nil && c.Else != nil {
		r.report(path+".else", "needs a map", "")
	}
	for i, m := range c.Match {
		r.checkValue(fmt.Sprintf("%s.match[%d].to", path, i), m.To, column)
	}
	if c.Types == DiscardValue && !column.Nullable {
		r.report(path+".contract", "cannot leave out the value, since every row needs it", "use discard_row or freeze")
	}
	if c.Map != nil && len(c.Map) == 0 {
		r.report(path+".map", "maps nothing", "")
	}
	for _, text := range slices.Sorted(maps.Keys(c.Map)) {
		r.checkTrimmed(path+".map."+text, text)
		r.checkValue(path+".map."+text, c.Map[text], column)
	}
	r.checkOptional(path+".const", c.Const, column)
	r.checkOptional(path+".else", c.Else, column)
	r.checkOptional(path+".default", c.Default, column)
}

// checkOrigin reports columns that come from nowhere, or from two places.
func (r *reader) checkOrigin(path string, c *Column) {
	_, fromFile := c.Transform(FromFilename)
	switch {
	case c.Const != nil:
		if len(c.From) > 0 || len(c.Transforms) > 0 || c.Map != nil || c.Match != nil || c.Default != nil || c.Key != "" || c.Resolve != "" || c.References != nil {
			r.report(path+".const", "stands alone: a constant is the value itself", "")
		}
	case c.References != nil:
		if len(c.From) > 0 || len(c.Transforms) > 0 || c.Map != nil || c.Match != nil || c.Key != "" || c.Source != "" {
			r.report(path+".resolve", "is a list, so each of its references says itself where it comes from", "move from, transform, key and source into the list")
		}
	case fromFile && len(c.From) > 0:
		r.report(path+".from", "is not read, since from_filename takes its text from the name of the file", "")
	case !fromFile && len(c.From) == 0:
		r.report(path, "must say where its value comes from", "from: a column of the export, const: a value, or transform: {from_filename: ...}")
	}
}

// checkKey reports native keys and references where none can be, and columns that need one.
func (r *reader) checkKey(path string, c *Column, column contract.Column, table *contract.Table) {
	if c.Key != "" && c.Resolve != "" {
		r.report(path, "cannot be both a native key and a reference to resolve", "keep key, or resolve")
	}
	if c.Source != "" && c.Key == "" && c.Resolve == "" {
		r.report(path+".source", "needs key or resolve", "")
	}
	r.checkName(path+".key", c.Key)
	r.checkName(path+".source", c.Source)
	if c.References != nil {
		r.checkHoldsPartner(path, column)
		return
	}
	if c.Key == "" && c.Resolve == "" {
		if c.Const == nil && (column.Ref != "" || isNativeKey(column, table)) && !takesWholeReference(column, table) {
			r.report(path, "holds a native key, so it needs key or resolve",
				"key: the object that the id belongs to, for example key: deal; for partners also resolve: {id_type: crm_account}")
		}
		return
	}
	if column.Type != contract.String || len(column.Enum) > 0 {
		r.report(path, fmt.Sprintf("is of type %s, so it holds no native key", describe(column)), "")
	}
	if c.Map != nil || c.Match != nil {
		r.report(path+".map", "cannot be combined with key or resolve", "")
	}
	if c.Resolve == "" {
		return
	}
	r.checkHoldsPartner(path, column)
	r.checkKind(path+".resolve", c.Resolve)
}

// takesWholeReference reports whether a column may hold a reference as it stands in the export: who declares by hand what
// an identifier means names the partner by the id that the published tables show.
func takesWholeReference(column contract.Column, table *contract.Table) bool {
	return table.Name == "partner_identity" && column.Name == "partner_id"
}

// checkHoldsPartner reports a column that cannot hold references to partners.
func (r *reader) checkHoldsPartner(path string, column contract.Column) {
	if column.Type != contract.String || len(column.Enum) > 0 {
		r.report(path, fmt.Sprintf("is of type %s, so it holds no native key", describe(column)), "")
	}
	if column.Ref != "" && column.Ref != "partner" {
		r.report(path+".resolve", fmt.Sprintf("finds partners, but the column refers to %s", column.Ref), "use key")
	}
}

func (r *reader) checkKind(path, kind string) {
	if kinds := identifierKinds(); !slices.Contains(kinds, kind) {
		r.report(path, fmt.Sprintf("unknown kind of identifier %q", kind), "known are "+strings.Join(kinds, ", "))
	}
}

// checkReference reports what is wrong with one of several references.
func (r *reader) checkReference(path string, ref *Reference) {
	if ref.IDType == "" {
		r.report(path, "needs id_type, the kind of identifier", "")
	} else {
		r.checkKind(path+".id_type", ref.IDType)
	}
	if len(ref.From) == 0 {
		r.report(path+".from", "must name a column of the export", "")
	}
	if (ref.IDType == idPerson) != (ref.Key != "") {
		r.report(path+".key", "belongs to references to a person, and to no others", "for example {id_type: person, key: Contact, from: [ContactId]}")
	}
	r.checkName(path+".key", ref.Key)
	r.checkName(path+".source", ref.Source)
	for i := range ref.Transforms {
		t := &ref.Transforms[i]
		if fills, _ := t.Name.Fills(); fills != 0 || t.Name == Concat || t.Name == FromFilename {
			r.report(path+".transform", fmt.Sprintf("holds %s, which makes no identifier of one text", t.Name), "")
		}
	}
}

func (r *reader) checkName(path, name string) {
	if name != "" && !nameForm.MatchString(name) {
		r.report(path, fmt.Sprintf("%q cannot be part of a native key", name), nameHint)
	}
}

// isNativeKey reports whether the column is the one id by which its table is keyed.
func isNativeKey(c contract.Column, t *contract.Table) bool {
	return len(t.Key) == 1 && t.Key[0] == c.Name && c.Type == contract.String && strings.HasSuffix(c.Name, "_id")
}

// identifierKinds returns the kinds of identifier that partners are known by.
func identifierKinds() []string {
	t, _ := contract.Lookup("partner_identity")
	c, _ := t.Column("id_type")
	return c.Enum
}

func describe(c contract.Column) string {
	if len(c.Enum) > 0 {
		return "closed list"
	}
	return c.Type.String()
}

func (r *reader) checkTransforms(path string, c *Column, column contract.Column) {
	for i := range c.Transforms {
		t := &c.Transforms[i]
		fills, _ := t.Name.Fills()
		switch {
		case fills == 0:
			if t.Name == FromFilename && i > 0 {
				r.report(path, "must begin with from_filename, which makes the text", "")
			}
			if t.Name == Concat && c.Key != "" {
				r.report(path, "holds concat, but a key joins its parts by itself", "")
			}
		case i < len(c.Transforms)-1:
			r.report(path, fmt.Sprintf("holds %s before another transform, but it makes the value and so comes last", t.Name), "")
		case c.Map != nil:
			r.report(path, fmt.Sprintf("holds %s, but the values of a map are canonical already", t.Name), "leave it out, or leave out map")
		case fills != column.Type || len(column.Enum) > 0 || c.Key != "" || c.Resolve != "":
			r.report(path, fmt.Sprintf("holds %s, which fills %s, but the column is of type %s", t.Name, fills, describe(column)), "")
		}
	}
	_, concat := c.Transform(Concat)
	if _, coalesce := c.Transform(Coalesce); concat && coalesce {
		r.report(path, "cannot take the first of its columns and all of them at once", "keep coalesce, or concat")
	}
}

func (r *reader) checkOptions(path string, t *Transform) {
	switch t.Name {
	case TS, Date:
		if _, err := transform.CompileLayouts(t.Layouts); err != nil {
			r.report(path, err.Error(), "")
		}
	case Dec, Int, Float, Pct:
		point := t.Point
		if point == 0 {
			point = '.'
		}
		switch {
		case t.Group == "":
		case utf8.RuneCountInString(t.Group) != 1 || strings.ContainsAny(t.Group, "0123456789+-eE%\t"):
			r.report(path, fmt.Sprintf("has the group sign %q", t.Group), "use one sign that no number holds otherwise, for example \",\" or \" \"")
		case t.Group == string(point):
			r.report(path, fmt.Sprintf("has %q as decimal sign and as group sign", t.Group), "declare decimal: comma where the group sign is a point")
		}
	case MinorUnits:
		if t.Digits < 0 || t.Digits > contract.DecimalScale {
			r.report(path, fmt.Sprintf("has minor units of %d digits", t.Digits), "use 0 to 4; 2 for cents")
		}
	case Split:
		if t.Sep == "" {
			r.report(path, "needs a sign to split at", examples[Split])
		}
	case StripPrefix:
		if t.Prefix == "" {
			r.report(path, "needs the prefix", examples[StripPrefix])
		}
	case NullIf:
		for _, text := range t.Texts {
			r.checkTrimmed(path, text)
		}
	case Replace:
		if _, err := regexp.Compile(t.Pattern); err != nil || t.Pattern == "" {
			r.report(path, "needs a pattern, a regular expression", "for example "+examples[Replace])
		}
	case Shift:
		if t.Digits < -maxShift || t.Digits > maxShift {
			r.report(path, fmt.Sprintf("moves the decimal point by %d digits", t.Digits), "use -18 to 18; 2 makes a percentage of a share")
		}
	case FromFilename, Regex:
		if re, err := regexp.Compile(t.Pattern); err != nil {
			r.report(path, "is no regular expression: "+err.Error(), "")
		} else if re.NumSubexp() != 1 {
			r.report(path, fmt.Sprintf("has %d groups in its pattern", re.NumSubexp()), "put what is wanted in one pair of brackets, and write (?:...) for others, for example "+examples[t.Name])
		}
	case Bool:
		for _, word := range t.True {
			if slices.Contains(t.False, word) {
				r.report(path, fmt.Sprintf("says both yes and no by %q", word), "")
			}
		}
	}
}

func (r *reader) checkOptional(path string, value *string, column contract.Column) {
	if value != nil {
		r.checkValue(path, *value, column)
	}
}

// checkValue reports a canonical value that its column does not take.
func (r *reader) checkValue(path, value string, column contract.Column) {
	if len(column.Enum) > 0 {
		if !slices.Contains(column.Enum, value) {
			hint := yamltext.Suggest(value, column.Enum)
			if hint == "" {
				hint = "known are " + strings.Join(column.Enum, ", ")
			}
			r.report(path, fmt.Sprintf("%q is not in the list of %s", value, column.Name), hint)
		}
		return
	}
	if _, err := transform.Canonical(column.Type, value); err != nil {
		r.report(path, fmt.Sprintf("%q %v", value, err), fmt.Sprintf("write a canonical %s", column.Type))
	}
}
