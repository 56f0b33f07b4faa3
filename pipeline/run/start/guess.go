package start

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
)

// Assumptions that let a first night run where neither exports nor hints say more.
const (
	assumedCurrency = "USD"
	assumedTimezone = "UTC"
	assumedName     = "Partner Program"
)

// settle fills in what the configuration states, from hints, else from the data, else as a marked assumption.
func (f *Findings) settle(hints Hints, presets []*known) {
	var all []*File
	for i := range f.Instances {
		all = append(all, f.Instances[i].Files...)
	}
	currency := f.currency(all, hints)
	f.Program = []Setting{f.name(hints), currency, zone("program.timezone", hints, "in which time zone do your days end? For example Europe/Berlin")}
	for i := range f.Instances {
		in := &f.Instances[i]
		k := find(presets, in.Preset)
		if in.needsZone(k) {
			in.Settings = append(in.Settings, zone("timezone", hints, "in which zone does this system write times that carry none? For example Europe/Berlin"))
		}
		for _, p := range k.parameters {
			in.More = in.More || !p.Required
			if p.Required && p.Name != "timezone" {
				in.Settings = append(in.Settings, in.parameter(p, currency))
			}
		}
		in.Settings = append(in.Settings, in.encodings(k)...)
		in.Settings = append(in.Settings, in.waiting(k)...)
		in.Settings = append(in.Settings, in.words(k)...)
	}
}

func (f *Findings) name(hints Hints) Setting {
	s := Setting{Key: "program.name", Value: preset.Scalar(assumedName), Why: "what is your partner programme called in reports?", Assumed: true}
	if hints.Name != "" {
		s.Value, s.Why, s.Assumed = preset.Scalar(hints.Name), "", false
	}
	return s
}

func zone(key string, hints Hints, question string) Setting {
	if hints.Timezone != "" {
		return Setting{Key: key, Value: hints.Timezone}
	}
	return Setting{Key: key, Value: assumedTimezone, Why: question, Assumed: true}
}

// currency is the reporting currency: the one that most amounts are in.
func (f *Findings) currency(files []*File, hints Hints) Setting {
	s := Setting{Key: "program.currency"}
	if hints.Currency != "" {
		s.Value = hints.Currency
		return s
	}
	if found := frequentCurrency(files); found.code != "" {
		return found.setting(s.Key, "in which currency do you report?")
	}
	for i := range f.Instances {
		if code := constantCurrency(f.Instances[i].Files); code != "" {
			s.Value, s.Why = code, "the currency of "+f.Instances[i].Title
			return s
		}
	}
	s.Value, s.Assumed, s.Why = assumedCurrency, true, "in which currency do you report? Other currencies need exchange rates"
	return s
}

// parameter is what a source states for a parameter that its preset requires.
func (in *Instance) parameter(p preset.Parameter, currency Setting) Setting {
	s := Setting{Key: "with." + p.Name, Assumed: true, Why: p.About}
	if p.Name == "currency" {
		found := frequentCurrency(in.Files)
		if guess := found.setting(s.Key, p.About); found.code != "" && (!guess.Assumed || currency.Assumed) {
			return guess
		}
		s.Value = currency.Value
		if !currency.Assumed {
			s.Why = ask(p.About, "taken from program.currency")
		}
		return s
	}
	s.Value = `""`
	if p.Example != nil {
		s.Value = p.Text(p.Example)
	}
	return s
}

// encodings are the parameters that say in which encoding files are whose first records are no UTF-8.
func (in *Instance) encodings(k *known) []Setting {
	var out []Setting
	for _, f := range in.Files {
		if f.Undecodable == 0 {
			continue
		}
		name := k.encodingOf(f.Object, f.Dialect, assumedEncoding)
		key := "with." + name
		if name == "" || slices.ContainsFunc(out, func(s Setting) bool { return s.Key == key }) {
			continue
		}
		out = append(out, Setting{Key: key, Value: assumedEncoding, Assumed: true,
			Why: ask(k.parameter(name).About, fmt.Sprintf("the first records of %s are no UTF-8", f.Path))})
	}
	return out
}

// waiting are the parameters without which files are passed over.
func (in *Instance) waiting(k *known) []Setting {
	var out []Setting
	for _, f := range in.Files {
		for _, name := range f.Waits {
			key := "with." + name
			if slices.ContainsFunc(out, func(s Setting) bool { return s.Key == key }) {
				continue
			}
			p := k.parameter(name)
			out = append(out, Setting{Key: key, Value: p.Text(p.Example), Open: true,
				Why: ask(p.About, fmt.Sprintf("without it %s is passed over", f.Path))})
		}
	}
	return out
}

// needsZone reports whether a time without a zone may be met that neither preset nor dialect places.
func (in *Instance) needsZone(k *known) bool {
	for _, p := range k.parameters {
		if p.Name == "timezone" {
			return true
		}
	}
	return slices.ContainsFunc(in.Files, func(f *File) bool { return f.object != nil && f.object.Read.TimeZone == "" })
}

var (
	currencyColumn = regexp.MustCompile(`(?i)currency|^iso ?code$`)
	currencyCode   = regexp.MustCompile(`^[A-Z]{3}$`)
)

// named is a currency with how often it is named.
type named struct {
	code string
	// times is how many of total records name it; next is the code that comes after it, "" for none.
	times, total int
	next         string
}

// setting states the currency. One that is named in less than two thirds of the cases is no more than a guess.
func (n named) setting(key, question string) Setting {
	s := Setting{Key: key, Value: n.code, Why: fmt.Sprintf("named by %d of the %d first records that name a currency", n.times, n.total)}
	if 3*n.times < 2*n.total {
		s.Assumed = true
		s.Why = ask(question, fmt.Sprintf("%s is %s, %s comes next", n.code, s.Why, n.next))
	}
	return s
}

// ask joins a question, or what a setting is about, with what the exports tell of it.
func ask(question, detail string) string {
	if strings.HasSuffix(question, "?") {
		return question + " " + detail
	}
	return question + "; " + detail
}

// frequentCurrency returns the code that most of the first records name.
func frequentCurrency(files []*File) named {
	counts := map[string]int{}
	var n named
	for _, f := range files {
		for i, column := range f.Columns {
			if !currencyColumn.MatchString(column) {
				continue
			}
			for _, record := range f.Records {
				if i < len(record) && currencyCode.MatchString(record[i]) {
					counts[record[i]]++
					n.total++
				}
			}
		}
	}
	codes := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	if len(codes) > 0 {
		n.code, n.times = codes[0], counts[codes[0]]
	}
	if len(codes) > 1 {
		n.next = codes[1]
	}
	return n
}

// constantCurrency returns the currency that a mapping writes into every row.
func constantCurrency(files []*File) string {
	for _, f := range files {
		if f.object == nil {
			continue
		}
		for i := range f.object.Tables {
			if c, ok := f.object.Tables[i].Column("currency"); ok && c.Const != nil && currencyCode.MatchString(*c.Const) {
				return *c.Const
			}
		}
	}
	return ""
}

// kinds of values in the order in which they are tried: what all values of a column fit is its kind.
var kinds = []struct {
	name string
	form *regexp.Regexp
}{
	{"true or false", regexp.MustCompile(`(?i)^(true|false|yes|no)$`)},
	{"currency", currencyCode},
	{"day, layout 20060102", regexp.MustCompile(`^(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$`)},
	{"whole number", regexp.MustCompile(`^[+-]?\d{1,18}$`)},
	{"number", regexp.MustCompile(`^[+-]?\d+\.\d+$|^[+-]?\d{1,18}$`)},
	{"number, decimal comma", regexp.MustCompile(`^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$`)},
	{"number, groups of three", regexp.MustCompile(`^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$`)},
	{"day, layout 2006-01-02", regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)},
	{"day, layout 02.01.2006", regexp.MustCompile(`^\d\d\.\d\d\.\d{4}$`)},
	{"day, 02/01/2006 or 01/02/2006", regexp.MustCompile(`^\d\d?/\d\d?/\d{4}$`)},
	{"time with zone", regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$`)},
	{"time without zone", regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$`)},
	{"e-mail address", regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)},
	{"web address", regexp.MustCompile(`^https?://\S+$`)},
}

// kindOf says what the values of a column look like.
func kindOf(f *File, column int) string {
	var values []string
	distinct := map[string]bool{}
	for _, record := range f.Records {
		if column < len(record) && strings.TrimSpace(record[column]) != "" {
			values = append(values, strings.TrimSpace(record[column]))
			distinct[strings.TrimSpace(record[column])] = true
		}
	}
	if len(values) == 0 {
		return "empty in the first records"
	}
	kind := "text"
	for _, k := range kinds {
		if !slices.ContainsFunc(values, func(v string) bool { return !k.form.MatchString(v) }) {
			kind = k.name
			break
		}
	}
	switch {
	case len(values) == len(f.Records) && len(distinct) == len(values) && len(values) > 1:
		kind += ", each value once"
	case kind == "text" && len(distinct) <= fewWords && len(values) > len(distinct):
		kind += fmt.Sprintf(", %d different", len(distinct))
	}
	return kind
}

// fewWords is up to how many different texts a column looks like a list of choices.
const fewWords = 12

// placeOf returns the path of a folder beneath the place that was looked at, as the configuration writes it.
func placeOf(from open.Place, folder string) string {
	if folder == "" {
		return from.Path
	}
	if open.Remote(from.Path) {
		return strings.TrimSuffix(from.Path, "/") + "/" + folder + "/"
	}
	return path.Join(from.Path, folder)
}
