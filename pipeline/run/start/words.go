package start

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// manyWords is from how many words on a column looks like free text and not like a list of choices.
const manyWords = 15

// placeholder stands where a person has to write a value.
const placeholder = "ASK"

// words proposes, for each parameter that translates the words of an organisation, those that the first records use
// and the parameter's default does not know. Without them a night runs and takes such words for unknown.
func (in *Instance) words(k *known) []Setting {
	var out []Setting
	for _, p := range k.parameters {
		if !p.Map || p.Default == nil {
			continue
		}
		unknown, choices := map[string]bool{}, ""
		for _, f := range in.Files {
			if f.object != nil && len(f.Waits) == 0 {
				choices = f.unknownWords(p, unknown, choices)
			}
		}
		if len(unknown) == 0 || len(unknown) >= manyWords {
			continue
		}
		all := maps.Clone(p.Default.Map)
		for word := range unknown {
			all[word] = placeholder
		}
		why := "not known: " + strings.Join(slices.Sorted(maps.Keys(unknown)), ", ")
		if choices != "" {
			why += "; each is one of " + choices
		}
		out = append(out, Setting{Key: "with." + p.Name, Value: block(all), Open: true, Why: ask(p.About, why)})
	}
	return out
}

// block writes a map with a line for each of its keys.
func block(m map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, preset.Scalar(key)+": "+preset.Scalar(m[key]))
	}
	return strings.Join(lines, "\n")
}

// unknownWords adds the words of a file that the parameter's default does not know to unknown, and returns the values
// that the parameter may give.
func (f *File) unknownWords(p preset.Parameter, unknown map[string]bool, choices string) string {
	for i := range f.object.Tables {
		t := &f.object.Tables[i]
		for j := range t.Columns {
			c := &t.Columns[j]
			if len(c.From) != 1 || len(c.Transforms) > 0 || !maps.Equal(c.Map, p.Default.Map) {
				continue
			}
			for _, word := range f.values(c.From[0]) {
				if _, ok := c.Map[word]; !ok && !isMatched(c.Match, word) {
					unknown[word] = true
				}
			}
			choices = choicesOf(t.Name, c.Name, choices)
		}
	}
	return choices
}

// values are the distinct texts of the first records in a column, under the first of its names that the file has.
func (f *File) values(names preset.Names) []string {
	seen := map[string]bool{}
	for _, name := range names {
		i := slices.IndexFunc(f.Columns, func(column string) bool { return preset.Fold(column) == preset.Fold(name) })
		if i < 0 {
			continue
		}
		for _, record := range f.Records {
			if i < len(record) && strings.TrimSpace(record[i]) != "" {
				seen[strings.TrimSpace(record[i])] = true
			}
		}
		break
	}
	return slices.Sorted(maps.Keys(seen))
}

func isMatched(patterns []preset.Pattern, word string) bool {
	return slices.ContainsFunc(patterns, func(p preset.Pattern) bool {
		re, err := regexp.Compile(p.Matches)
		return err == nil && re.MatchString(word)
	})
}

// choicesOf returns the values that a column of a table may have, or fallback where it is free.
func choicesOf(table, column, fallback string) string {
	t, ok := contract.Lookup(table)
	if !ok {
		return fallback
	}
	c, ok := t.Column(column)
	if !ok || len(c.Enum) == 0 {
		return fallback
	}
	return strings.Join(c.Enum, ", ")
}
