package preset

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// String writes the value as YAML on one line, as a source states it under `with:`.
func (v Value) String() string {
	var items []string
	switch {
	case v.Map != nil:
		for _, key := range slices.Sorted(maps.Keys(v.Map)) {
			items = append(items, Scalar(key)+": "+Scalar(v.Map[key]))
		}
		return "{ " + strings.Join(items, ", ") + " }"
	case len(v.List) == 1:
		return Scalar(v.List[0])
	}
	for _, text := range v.List {
		items = append(items, Scalar(text))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// Text writes a value of the parameter as YAML on one line: a list stays one where it holds a single text.
func (p *Parameter) Text(v *Value) string {
	if p.List && len(v.List) == 1 {
		return "[" + v.String() + "]"
	}
	return v.String()
}

var (
	plainForm = regexp.MustCompile(`^(?:(?:\.\./)*|\./|/)[A-Za-zÀ-ɏ_][A-Za-zÀ-ɏ0-9_ ./+()%-]*$`)
	// reserved are plain words that a reader of YAML, of whatever version, may take for something else than a text.
	reserved = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n)$`)
)

// Scalar writes a text as a YAML scalar on one line, quoted where a plain one would be read as something else.
func Scalar(text string) string {
	if plainForm.MatchString(text) && !reserved.MatchString(text) && strings.TrimSpace(text) == text {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""` // a string is always encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}
