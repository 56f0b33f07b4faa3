package preset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Reaction is what a contract answers to something that the mapping did not expect.
type Reaction string

// The reactions. Whatever the reaction, what was met is counted and told; nothing is dropped in silence.
const (
	Evolve       Reaction = "evolve"        // keep the unmapped columns of the record in _extra
	DiscardValue Reaction = "discard_value" // go on without the value, or the column
	DiscardRow   Reaction = "discard_row"   // refuse the record for the table
	Freeze       Reaction = "freeze"        // refuse the file whole; the last good load stays
	Null         Reaction = "null"          // the column is null
	Unknown      Reaction = "unknown"       // take what the closed list holds for unknown values
	Warn         Reaction = "warn"          // load, and say so
)

// Contract says what happens when a file is not as the mapping expects.
type Contract struct {
	// ColumnsNew: Evolve, DiscardValue or Freeze where a file has columns that the object does not name.
	ColumnsNew Reaction `json:"columns_new"`
	// ColumnsMissing: Null or Freeze where a file lacks a column that no row needs. A file that lacks one that rows
	// need is always refused.
	ColumnsMissing Reaction `json:"columns_missing"`
	// Types: DiscardValue, DiscardRow or Freeze where a text is no value of its column. A row that needs the value is
	// refused with it.
	Types Reaction `json:"types"`
	// Values: Unknown, DiscardRow or Freeze where neither map nor closed list know a text.
	Values Reaction `json:"values"`
	Budget Budget   `json:"budget"`
	Volume Volume   `json:"volume"`
}

// Budget is how much of a file may be refused before the file is refused whole, told after its end. A handful is
// never too much: From is the number of refusals from which the shares count.
type Budget struct {
	// Rows is the share of the records that some table may refuse, Values the share of the values with a form to
	// keep, such as numbers, dates and ids, that may be refused.
	Rows   float64 `json:"rows"`
	Values float64 `json:"values"`
	From   int64   `json:"from"`
}

// Volume is the band in which the number of records of a file is expected, as shares of the last good load of its
// object. Mode is Warn or Freeze.
type Volume struct {
	Below float64  `json:"below"`
	Above float64  `json:"above"`
	Mode  Reaction `json:"mode"`
}

// DefaultContract returns the contract that holds where a mapping says nothing.
func DefaultContract() Contract {
	return Contract{
		ColumnsNew: Evolve, ColumnsMissing: Null, Types: DiscardValue, Values: Unknown,
		Budget: Budget{Rows: 0.01, Values: 0.05, From: 20},
		Volume: Volume{Below: 0.5, Above: 2, Mode: Warn},
	}
}

// contract decodes the contract of an object.
func (r *reader) contract(m member) Contract {
	c := DefaultContract()
	for _, f := range r.members(m.path, m.value, []string{"columns_new", "columns_missing", "types", "values", "budget", "volume"}) {
		switch f.key {
		case "columns_new":
			c.ColumnsNew = r.reaction(f, Evolve, DiscardValue, Freeze)
		case "columns_missing":
			c.ColumnsMissing = r.reaction(f, Null, Freeze)
		case "types":
			c.Types = r.reaction(f, DiscardValue, DiscardRow, Freeze)
		case "values":
			c.Values = r.reaction(f, Unknown, DiscardRow, Freeze)
		case "budget":
			r.budget(f, &c.Budget)
		case "volume":
			r.volume(f, &c.Volume)
		}
	}
	return c
}

// reactions decodes the contract of a table or column, which is about values alone.
func (r *reader) reactions(m member) (types, values Reaction) {
	for _, f := range r.members(m.path, m.value, []string{"types", "values"}) {
		switch f.key {
		case "types":
			types = r.reaction(f, DiscardValue, DiscardRow, Freeze)
		case "values":
			values = r.reaction(f, Unknown, DiscardRow, Freeze)
		}
	}
	return types, values
}

func (r *reader) reaction(m member, known ...Reaction) Reaction {
	text := "null"
	if _, isNull := r.plain(m.value).(*ast.NullNode); !isNull {
		text = r.text(m)
	}
	if slices.Contains(known, Reaction(text)) {
		return Reaction(text)
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	r.report(m.path, fmt.Sprintf("%q is no reaction to this", text), "use "+strings.Join(words, ", "))
	return known[0]
}

func (r *reader) budget(m member, b *Budget) {
	for _, f := range r.members(m.path, m.value, []string{"rows", "values", "from"}) {
		switch f.key {
		case "rows":
			b.Rows = r.share(f, 100)
		case "values":
			b.Values = r.share(f, 100)
		case "from":
			if b.From = int64(r.whole(f)); b.From < 0 {
				r.report(f.path, "must be 0 or more", "")
			}
		}
	}
}

func (r *reader) volume(m member, v *Volume) {
	const most = 1_000_000
	for _, f := range r.members(m.path, m.value, []string{"below", "above", "mode"}) {
		switch f.key {
		case "below":
			v.Below = r.share(f, 100)
		case "above":
			if v.Above = r.share(f, most); v.Above < 1 {
				r.report(f.path, "must be 100% or more", "")
			}
		case "mode":
			v.Mode = r.reaction(f, Warn, Freeze)
		}
	}
}

// share reads a percentage from 0% to most as a share.
func (r *reader) share(m member, most float64) float64 {
	text := r.text(m)
	number, isPercent := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !isPercent || !(share >= 0 && share <= most) {
		r.report(m.path, fmt.Sprintf("%q is no percentage from 0%% to %v%%", text, most), "write it like 5%")
		return 0
	}
	return share / 100
}
