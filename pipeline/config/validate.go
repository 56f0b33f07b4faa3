package config

import (
	"fmt"
	"iter"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known on machines without a zone database

	"golang.org/x/text/currency"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/builtin"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

var (
	sourceName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	memoryLimit = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)? ?([KMGT]i?B)$`)
	envName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	domainName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
)

// validate reports everything that is wrong with the values of c.
func (d *decoder) validate(c *Config) {
	d.program(c.Program)
	d.folder("state", c.State)
	d.sources(c.Sources)
	defaults := Default().rules()
	for i, r := range c.rules() {
		if r.unused && r.value != defaults[i].value {
			d.report(r.path, "is not followed yet: another value would change nothing", fmt.Sprintf("remove it, or leave it at %v", defaults[i].value))
		}
		d.rule(r)
	}
	for _, l := range c.listRules() {
		d.words(l)
	}
	d.people(c.People)
	if m := c.Metrics.Churn; m.SilenceMinDays > m.SilenceMaxDays {
		d.report("metrics.churn.silence_min_days",
			fmt.Sprintf("is %d, above silence_max_days, which is %d", m.SilenceMinDays, m.SilenceMaxDays), "")
	}
	d.weights(c.Metrics.Score.Weights)
	d.bars(c.Metrics.Score.Bars)
	for _, code := range slices.Sorted(maps.Keys(c.Metrics.Tier.RequiredCertifications)) {
		d.between("metrics.tier.required_certifications."+code, c.Metrics.Tier.RequiredCertifications[code], 0, 1000)
	}
	for _, code := range slices.Sorted(maps.Keys(c.Metrics.Certificate.ValidityMonths)) {
		d.between("metrics.certificate.validity_months."+code, c.Metrics.Certificate.ValidityMonths[code], 1, 600)
	}
	if l := c.Resources.MemoryLimit; l != "" && !memoryLimit.MatchString(l) {
		d.report("resources.memory_limit", fmt.Sprintf("%q is no size", l), "write a number and a unit: 4GB or 512MiB")
	}
}

func (d *decoder) program(p Program) {
	if strings.TrimSpace(p.Name) == "" {
		d.report("program.name", "is missing", "add: name: <the partner programme, as reports call it>")
	}
	switch _, err := currency.ParseISO(p.Currency); {
	case p.Currency == "":
		d.report("program.currency", "is missing: amounts need a reporting currency", "add: currency: USD")
	case err != nil || p.Currency != strings.ToUpper(p.Currency):
		d.report("program.currency", fmt.Sprintf("%q is no ISO 4217 code", p.Currency), "write three capital letters, like USD or EUR")
	}
	if p.Timezone == "" {
		d.report("program.timezone", "is missing: it decides when a day ends", "add: timezone: Europe/Berlin (an IANA zone, or UTC)")
	} else {
		d.zone("program.timezone", p.Timezone)
	}
}

// zone reports a name that is no IANA time zone. Local is refused: it would mean another zone on another machine.
func (d *decoder) zone(path, name string) {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		d.report(path, fmt.Sprintf("%q is no IANA time zone", name), "write it like Europe/Berlin, America/New_York or UTC")
	}
}

func (d *decoder) sources(sources []Source) {
	if len(sources) == 0 {
		d.report("sources", "is missing: there is nothing to read", "add a source with name, preset or mapping, and path")
	}
	first := make(map[string]int)
	for i, s := range sources {
		at := fmt.Sprintf("sources[%d]", i)
		switch j, again := first[s.Name]; {
		case s.Name == "":
			d.report(at+".name", "is missing", "add: name: crm")
		case !sourceName.MatchString(s.Name):
			d.report(at+".name", fmt.Sprintf("%q cannot begin the ids of a source", s.Name),
				"use letters, digits, dot, dash and underscore, at most 63")
		case again:
			d.report(at+".name", fmt.Sprintf("%q is already the name of sources[%d]", s.Name, j), "")
		default:
			first[s.Name] = i
		}
		if s.MappingFile == "" && s.Preset == "" {
			d.report(at+".mapping", "is missing", "add: mapping: mappings/"+orWord(s.Name, "source")+".yaml, or preset: salesforce (`partnerhealth preset list` names all)")
		}
		if _, err := builtin.Read(s.Preset); err != nil && s.Preset != "" {
			hint := yamltext.Suggest(s.Preset, builtin.Names())
			if hint == "" {
				hint = "there are " + strings.Join(builtin.Names(), ", ")
			}
			d.report(at+".preset", fmt.Sprintf("%q is no built-in preset", s.Preset), hint)
		}
		for _, name := range slices.Sorted(maps.Keys(s.Aliases)) {
			if len(s.Aliases[name]) == 0 || slices.Contains(s.Aliases[name], "") {
				d.report(at+".aliases."+name, "lists no name", "for example Close Date: [Schlusstermin]")
			}
		}
		for j, glob := range s.Ignore {
			if err := preset.CheckGlob(glob); err != nil {
				d.report(fmt.Sprintf("%s.ignore[%d]", at, j), fmt.Sprintf("%q %v", glob, err), `for example ignore: ["archive/**", "*.txt"]`)
			}
		}
		if !slices.Contains([]string{"", ReportUnknown, FreezeUnknown}, s.UnknownFiles) {
			d.report(at+".unknown_files", fmt.Sprintf("%q is no variant", s.UnknownFiles), "supported: "+ReportUnknown+", "+FreezeUnknown)
		}
		d.place(at, &s)
		if s.Timezone != "" {
			d.zone(at+".timezone", s.Timezone)
		}
	}
}

// folder reports a path that is no folder on this machine by its form; whether it exists is seen by the run.
func (d *decoder) folder(path, value string) {
	switch {
	case strings.TrimSpace(value) == "":
		d.report(path, "is missing", "name a folder, relative to this file")
	case strings.Contains(value, "://"):
		d.report(path, fmt.Sprintf("%q is no folder of this machine", value), "name a folder, relative to this file")
	}
}

// bucketForm is a bucket and what the keys of its objects begin with.
var bucketForm = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$`)

// place reports where a source's exports cannot be, and settings of buckets that belong to none.
func (d *decoder) place(at string, s *Source) {
	isBucket := strings.HasPrefix(s.Path, "s3://")
	if !isBucket {
		d.folder(at+".path", s.Path)
	} else if !bucketForm.MatchString(s.Path) {
		d.report(at+".path", fmt.Sprintf("%q names no bucket", s.Path), "write it like s3://bucket/prefix")
	}
	if s.Endpoint != "" {
		if u, err := url.Parse(s.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			d.report(at+".endpoint", fmt.Sprintf("%q is no address", s.Endpoint), "write it like https://s3.example.com")
		}
	}
	for _, setting := range [...]struct{ name, value string }{{"endpoint", s.Endpoint}, {"region", s.Region}} {
		if setting.value != "" && !isBucket {
			d.report(at+"."+setting.name, "belongs to buckets, but path is a folder", "remove it, or state path: s3://bucket/prefix")
		}
	}
	for _, setting := range [...]struct{ name, value string }{{"marker", s.Complete.Marker}, {"manifest", s.Complete.Manifest}} {
		if strings.ContainsAny(setting.value, `/\`) {
			d.report(at+".complete."+setting.name, fmt.Sprintf("%q is no name of a file", setting.value), "name the file alone: it is looked for in every folder")
		}
	}
}

func (d *decoder) rule(r rule) {
	switch v := r.value.(type) {
	case int64:
		d.between(r.path, int(v), r.low, r.high)
	case float64:
		if !(v >= 0 && v <= 1) { // false for NaN too
			d.report(r.path, fmt.Sprintf("is %v, wants a share from 0 to 1", v), "")
		}
	case string:
		switch {
		case r.follows == nil || slices.Contains(r.follows, v):
		case slices.Contains(r.planned, v):
			d.report(r.path, fmt.Sprintf("the variant %q is not supported yet", v), "supported: "+strings.Join(r.follows, ", "))
		default:
			hint := yamltext.Suggest(v, r.follows)
			if hint == "" {
				hint = "supported: " + strings.Join(r.follows, ", ")
			}
			d.report(r.path, fmt.Sprintf("%q is no variant", v), hint)
		}
	}
}

func (d *decoder) between(path string, value, low, high int) {
	if value < low || value > high {
		d.report(path, fmt.Sprintf("is %d, wants %d to %d", value, low, high), "")
	}
}

func (d *decoder) words(l listRule) {
	if l.required && len(l.values) == 0 {
		d.report(l.path, "is empty", "name at least one of: "+strings.Join(l.words, ", "))
	}
	seen := make(map[string]bool)
	for i, v := range l.values {
		at := fmt.Sprintf("%s[%d]", l.path, i)
		switch {
		case strings.TrimSpace(v) == "":
			d.report(at, "is empty", "")
		case seen[v]:
			d.report(at, fmt.Sprintf("%q is named twice", v), "")
		case l.words != nil && !slices.Contains(l.words, v):
			hint := yamltext.Suggest(v, l.words)
			if hint == "" {
				hint = "known: " + strings.Join(l.words, ", ")
			}
			d.report(at, fmt.Sprintf("%q is unknown", v), hint)
		}
		seen[v] = true
	}
}

func (d *decoder) people(p People) {
	for i, domain := range p.VendorDomains {
		if domain != "" && !domainName.MatchString(domain) {
			d.report(fmt.Sprintf("people.vendor_domains[%d]", i), fmt.Sprintf("%q is no domain", domain), "write it like northwind.example, in lower case")
		}
	}
	if !envName.MatchString(p.EmailKeyEnv) {
		d.report("people.email_key_env", fmt.Sprintf("%q is no name of an environment variable", p.EmailKeyEnv),
			"name the variable, not the key itself")
	}
}

// weights reports profiles that do not add up, or in which activity outweighs outcomes.
func (d *decoder) weights(weights map[string]map[string]int) {
	const base = "metrics.score.weights."
	d.keys(base, maps.Keys(weights), stages(), "stage")
	for i, stage := range stages() {
		profile := weights[stage]
		d.keys(base+stage+".", maps.Keys(profile), signalNames(), "signal")
		sum, activity := 0, 0
		for _, s := range signals() {
			w := profile[s.name]
			d.between(base+stage+"."+s.name, w, 0, 100)
			sum += w
			if s.activity {
				activity += w
			}
		}
		if sum != 100 && !d.brokenBelow(base+stage) {
			d.report(base+stage, fmt.Sprintf("the weights sum to %d, not 100", sum), "a stage named here states its whole profile")
		}
		if i >= 2 && activity > maxActivityWeight {
			d.report(base+stage, fmt.Sprintf("activity signals weigh %d, at most %d in this stage: logins are not outcomes", activity, maxActivityWeight), "")
		}
	}
}

func (d *decoder) bars(bars map[string]Bar) {
	const base = "metrics.score.bars."
	d.keys(base, maps.Keys(bars), signalNames(), "signal")
	for _, name := range slices.Sorted(maps.Keys(bars)) {
		if bar := bars[name]; !(bar.Low < bar.High) && !d.brokenBelow(base+name) {
			d.report(base+name, fmt.Sprintf("low is %v and high is %v; low must be below high", bar.Low, bar.High),
				"also where less is better: the score knows the direction")
		}
	}
}

// keys reports the keys of a section that name no known thing.
func (d *decoder) keys(base string, have iter.Seq[string], known []string, what string) {
	for _, key := range slices.Sorted(have) {
		if slices.Contains(known, key) {
			continue
		}
		hint := yamltext.Suggest(key, known)
		if hint == "" {
			hint = "known: " + strings.Join(known, ", ")
		}
		d.report(base+key, "unknown "+what, hint)
	}
}

// stated reports whether the file states the setting at path.
func (d *decoder) stated(path string) bool {
	_, ok := d.line[path]
	return ok
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}
