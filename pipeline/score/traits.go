package score

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// minLevel is the least number of partners for a level of a trait to count on its own; rarer ones are pooled.
const minLevel = 10

// The levels that stand for more than themselves.
const (
	levelOther  = "other"
	levelUnsaid = "not stated"
)

// trait is something that is known of every subject before its outcome is: one word each, or one number each.
type trait struct {
	name string
	// words are the levels of a categorical trait, "" where not stated; nil for a number.
	words []string
	// numbers are NaN where not stated. They enter as log1p where all of them are at least 0, since sizes and waits have
	// long tails.
	numbers []float64
}

// traitColumn is one column of a design: a level against all others, a number, or that a number is not stated.
type traitColumn struct {
	trait, name string
	at          int    // index of the trait
	level       string // of a categorical trait
	unstated    bool
	log         bool
	fill        float64 // stands in for a number that is not stated
	mean, sd    float64
}

// traitDesign turns traits into standardised columns.
type traitDesign struct {
	traits  []trait
	columns []traitColumn
	// levels are those that count on their own, per trait.
	levels  map[string]map[string]bool
	leftOut []string
}

// newTraitDesign takes of each trait the columns that it is allowed. What does not vary over the rows to learn from is left
// out; a level needs ten rows, and of a trait with more levels than columns the rarest are pooled. Outcomes are never
// looked at.
func newTraitDesign(traits []trait, rows []int, allow func(wants []int) []int) *traitDesign {
	d := &traitDesign{traits: traits, levels: map[string]map[string]bool{}}
	wants := make([]int, len(traits))
	for at := range traits {
		wants[at] = len(d.traitColumns(at, rows, math.MaxInt))
	}
	for at, allowed := range allow(wants) {
		switch name := traits[at].name; {
		case wants[at] == 0:
			d.leftOut = append(d.leftOut, name+" (does not vary, or is hardly ever stated)")
		case allowed == 0:
			d.leftOut = append(d.leftOut, name+" (beyond what the number of events can bear)")
		default:
			d.columns = append(d.columns, d.traitColumns(at, rows, allowed)...)
		}
	}
	for j := range d.columns {
		d.columns[j].standardise(d, rows)
	}
	d.columns = slices.DeleteFunc(d.columns, func(c traitColumn) bool { return c.sd == 0 })
	return d
}

// inOrder spends a budget of columns on the traits in their order, all that the first one wants before the next.
func inOrder(budget int) func([]int) []int {
	return func(wants []int) []int {
		out := make([]int, len(wants))
		for at, n := range wants {
			out[at] = min(n, budget)
			budget -= out[at]
		}
		return out
	}
}

// inTurns spends it one column a trait and round: names of traits that nobody declared say nothing of what matters.
func inTurns(budget int) func([]int) []int {
	return func(wants []int) []int {
		out := make([]int, len(wants))
		for isSpent := true; isSpent && budget > 0; {
			isSpent = false
			for at, n := range wants {
				if out[at] < n && budget > 0 {
					out[at]++
					budget--
					isSpent = true
				}
			}
		}
		return out
	}
}

// traitColumns returns at most so many columns of a trait.
func (d *traitDesign) traitColumns(at int, rows []int, most int) []traitColumn {
	if d.traits[at].words != nil {
		return d.levelColumns(at, rows, most)
	}
	columns := numberColumns(at, d.traits[at], rows)
	return columns[:min(len(columns), most)]
}

// levelColumns returns a column for each level but the most frequent one, the most frequent first, and one for the pool of
// rare levels.
func (d *traitDesign) levelColumns(at int, rows []int, most int) []traitColumn {
	t := d.traits[at]
	count := map[string]int{}
	for _, i := range rows {
		count[stated(t.words[i])]++
	}
	var own []string
	pooled := count[levelOther]
	for level, n := range count {
		switch {
		case level == levelOther:
		case n >= minLevel:
			own = append(own, level)
		default:
			pooled += n
		}
	}
	slices.SortFunc(own, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b)) })
	isPooled := pooled >= minLevel
	if need := len(own) - 1; need > most || isPooled && need >= most {
		own, isPooled = own[:min(len(own), most)], true
	}
	if len(own) == 0 || len(own) == 1 && !isPooled {
		return nil
	}
	// The others are compared with the most frequent level; a pool too small for a column of its own counts to that.
	d.levels[t.name] = map[string]bool{own[0]: true}
	var out []traitColumn
	for _, level := range own[1:] {
		d.levels[t.name][level] = true
		out = append(out, traitColumn{trait: t.name, name: t.name + " = " + level, at: at, level: level})
	}
	if isPooled {
		out = append(out, traitColumn{trait: t.name, name: t.name + " = " + levelOther, at: at, level: levelOther})
	}
	return out
}

// level returns the level that counts for a row.
func (d *traitDesign) level(t trait, row int) string {
	word := stated(t.words[row])
	if known := d.levels[t.name]; known[word] {
		return word
	}
	return levelOther
}

func stated(word string) string {
	if word == "" {
		return levelUnsaid
	}
	return word
}

// numberColumns returns the column of a number, and a second one where it is often not stated.
func numberColumns(at int, t trait, rows []int) []traitColumn {
	var known []float64
	for _, i := range rows {
		if !math.IsNaN(t.numbers[i]) {
			known = append(known, t.numbers[i])
		}
	}
	if len(known) < minLevel {
		return nil
	}
	slices.Sort(known)
	if known[0] == known[len(known)-1] {
		return nil
	}
	c := traitColumn{trait: t.name, name: t.name, at: at, log: known[0] >= 0}
	c.fill = c.scale(evaluate.Quantile(0.5, known))
	out := []traitColumn{c}
	if len(rows)-len(known) >= minLevel {
		out = append(out, traitColumn{trait: t.name, name: t.name + " not stated", at: at, unstated: true})
	}
	return out
}

func (c *traitColumn) scale(x float64) float64 {
	if c.log {
		return math.Log1p(math.Max(0, x))
	}
	return x
}

// raw returns the column's value before standardising.
func (c *traitColumn) raw(d *traitDesign, row int) float64 {
	t := d.traits[c.at]
	is := false
	switch {
	case t.words != nil:
		is = d.level(t, row) == c.level
	case c.unstated:
		is = math.IsNaN(t.numbers[row])
	case math.IsNaN(t.numbers[row]):
		return c.fill
	default:
		return c.scale(t.numbers[row])
	}
	if is {
		return 1
	}
	return 0
}

func (c *traitColumn) standardise(d *traitDesign, rows []int) {
	n := float64(len(rows))
	for _, i := range rows {
		c.mean += c.raw(d, i) / n
	}
	for _, i := range rows {
		r := c.raw(d, i) - c.mean
		c.sd += r * r / n
	}
	c.sd = math.Sqrt(c.sd)
}

// row returns the standardised columns of one subject.
func (d *traitDesign) row(i int) []float64 {
	out := make([]float64, len(d.columns))
	for j := range d.columns {
		c := &d.columns[j]
		out[j] = (c.raw(d, i) - c.mean) / c.sd
	}
	return out
}

// matrix returns the rows one after the other.
func (d *traitDesign) matrix(rows []int) []float64 {
	out := make([]float64, 0, len(rows)*len(d.columns))
	for _, i := range rows {
		out = append(out, d.row(i)...)
	}
	return out
}

func (d *traitDesign) names() []string {
	out := make([]string, len(d.columns))
	for j, c := range d.columns {
		out[j] = c.name
	}
	return out
}

// say tells a subject's trait beside the typical one.
func (d *traitDesign) say(name string, row int) string {
	for at, t := range d.traits {
		if t.name != name {
			continue
		}
		label := strings.ReplaceAll(name, "_", " ")
		if t.words != nil {
			return label + ": " + strings.ReplaceAll(stated(t.words[row]), "_", " ")
		}
		if math.IsNaN(t.numbers[row]) {
			return label + ": " + levelUnsaid
		}
		text := label + ": " + number(twoDigits(t.numbers[row]))
		for _, c := range d.columns {
			if c.at == at && !c.unstated {
				typical := c.fill
				if c.log {
					typical = math.Expm1(c.fill)
				}
				text = fmt.Sprintf("%s; typical is %s", text, number(twoDigits(typical)))
			}
		}
		return text
	}
	return name
}

// maxTraits bounds how many names an application form may have; the most often stated ones count.
const maxTraits = 40

// statedTraits reads what application forms say: one JSON object a subject, with a word, a number or yes or no a name.
// Anything deeper, and a form that is no object, is left out. A trait is a number where every form that states it gives
// one. The order is by how many of the rows state it, then by name.
func statedTraits(forms []string) []trait {
	values := map[string][]any{}
	for i, form := range forms {
		var fields map[string]any
		if form == "" || json.Unmarshal([]byte(form), &fields) != nil {
			continue
		}
		for name, v := range fields {
			name = strings.ToLower(strings.TrimSpace(name))
			switch v.(type) {
			case string, float64, bool:
			default:
				continue
			}
			if values[name] == nil {
				values[name] = make([]any, len(forms))
			}
			// Two spellings of one name are one trait; which of them counts must not depend on the map's order.
			if old := values[name][i]; old == nil || fmt.Sprint(v) < fmt.Sprint(old) {
				values[name][i] = v
			}
		}
	}
	var out []trait
	count := map[string]int{}
	for name, column := range values {
		t, n := newTrait(name, column)
		if n > 0 {
			count[name] = n
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b trait) int {
		return cmp.Or(cmp.Compare(count[b.name], count[a.name]), strings.Compare(a.name, b.name))
	})
	return out[:min(len(out), maxTraits)]
}

// newTrait makes a trait of JSON values, nil where not stated, and counts those that are.
func newTrait(name string, values []any) (t trait, n int) {
	isNumber := true
	for _, v := range values {
		if _, ok := v.(float64); v != nil && !ok {
			isNumber = false
		}
	}
	t = trait{name: name}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
		case string:
			if v = strings.TrimSpace(v); v != "" {
				n++
			}
			t.words = append(t.words, v)
			continue
		default:
			n++
			if x, ok := v.(float64); isNumber && ok {
				t.numbers = append(t.numbers, x)
			} else {
				t.words = append(t.words, fmt.Sprint(v))
			}
			continue
		}
		if isNumber {
			t.numbers = append(t.numbers, math.NaN())
		} else {
			t.words = append(t.words, "")
		}
	}
	return t, n
}

// findTrait returns the trait with one of the names, the first that there is.
func findTrait(traits []trait, names ...string) (trait, bool) {
	for _, name := range names {
		for _, t := range traits {
			if t.name == name {
				return t, true
			}
		}
	}
	return trait{}, false
}
