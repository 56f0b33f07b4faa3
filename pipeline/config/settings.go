package config

import (
	"maps"
	"slices"
)

// The SQL types of settings. Whole numbers are INTEGER, which DuckDB adds to a DATE without a cast.
const (
	TypeText    = "VARCHAR"
	TypeInteger = "INTEGER"
	TypeBoolean = "BOOLEAN"
	TypeDouble  = "DOUBLE"
)

// Setting is one column of the table run_settings.
type Setting struct {
	Name string
	// Type is the SQL type, also where Value is nil.
	Type string
	// Value is a string, int64, float64 or bool, or nil for NULL.
	Value any
}

// ListValue is one row of the table setting_list.
type ListValue struct{ Setting, Value string }

// TierRequirement is one row of the table tier_requirement.
type TierRequirement struct {
	TierCode               string
	RequiredCertifications int64
}

// CertificateValidity is one row of the table certificate_validity.
type CertificateValidity struct {
	CertCode       string
	ValidityMonths int64
}

// HealthWeight is one row of the table health_weight.
type HealthWeight struct {
	Stage, Signal string
	Weight        int64
}

// HealthBar is one row of the table health_bar: Low earns no points and High all, so that Low is the greater
// where less is better.
type HealthBar struct {
	Signal    string
	Low, High float64
}

// Settings returns the columns of run_settings that come from the configuration, in column order. The run
// adds what is its own: as-of date, hashes, versions and its id.
func (c *Config) Settings() []Setting {
	var out []Setting
	for _, r := range c.rules() {
		if r.column != "" {
			out = append(out, Setting{Name: r.column, Type: r.sqlType, Value: r.value})
		}
	}
	return out
}

// Lists returns the rows of setting_list in a fixed order.
func (c *Config) Lists() []ListValue {
	var out []ListValue
	for _, l := range c.listRules() {
		for _, v := range l.values {
			out = append(out, ListValue{Setting: l.name, Value: v})
		}
	}
	return out
}

// TierRequirements returns what the tiers require, by tier code.
func (c *Config) TierRequirements() []TierRequirement {
	required := c.Metrics.Tier.RequiredCertifications
	out := make([]TierRequirement, 0, len(required))
	for _, code := range slices.Sorted(maps.Keys(required)) {
		out = append(out, TierRequirement{TierCode: code, RequiredCertifications: int64(required[code])})
	}
	return out
}

// CertificateValidities returns for how long certificates without a stated expiry are valid, by certificate code.
func (c *Config) CertificateValidities() []CertificateValidity {
	months := c.Metrics.Certificate.ValidityMonths
	out := make([]CertificateValidity, 0, len(months))
	for _, code := range slices.Sorted(maps.Keys(months)) {
		out = append(out, CertificateValidity{CertCode: code, ValidityMonths: int64(months[code])})
	}
	return out
}

// HealthWeights returns the weights above zero, by stage and signal in the order of the health score.
func (c *Config) HealthWeights() []HealthWeight {
	var out []HealthWeight
	for _, stage := range stages() {
		for _, s := range signals() {
			if w := c.Metrics.Score.Weights[stage][s.name]; w > 0 {
				out = append(out, HealthWeight{Stage: stage, Signal: s.name, Weight: int64(w)})
			}
		}
	}
	return out
}

// HealthBars returns the configured bars in the order of the health score; a signal without one is scored
// against its peers.
func (c *Config) HealthBars() []HealthBar {
	var out []HealthBar
	for _, s := range signals() {
		bar, ok := c.Metrics.Score.Bars[s.name]
		if !ok {
			continue
		}
		if s.lessIsBetter {
			bar.Low, bar.High = bar.High, bar.Low
		}
		out = append(out, HealthBar{Signal: s.name, Low: bar.Low, High: bar.High})
	}
	return out
}
