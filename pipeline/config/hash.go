package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Hash returns 16 hexadecimal digits that change when a number could change because of the configuration: on
// every setting, list, requirement, weight and bar, and on the name, zone and mapping version of every source.
// Comments, layout, order, folders, resources and retention do not change it.
func (c *Config) Hash() string {
	var lines []string
	add := func(kind string, values ...any) {
		line := kind
		for _, v := range values {
			line += fmt.Sprintf("\t%q", fmt.Sprint(v))
		}
		lines = append(lines, line)
	}
	for _, s := range c.Settings() {
		add("setting", s.Name, s.Type, s.Value)
	}
	for _, l := range c.Lists() {
		add("list", l.Setting, l.Value)
	}
	for _, t := range c.TierRequirements() {
		add("tier", t.TierCode, t.RequiredCertifications)
	}
	for _, v := range c.CertificateValidities() {
		add("certificate", v.CertCode, v.ValidityMonths)
	}
	for _, w := range c.HealthWeights() {
		add("weight", w.Stage, w.Signal, w.Weight)
	}
	for _, b := range c.HealthBars() {
		add("bar", b.Signal, b.Low, b.High)
	}
	for _, s := range c.Sources {
		version := ""
		if s.Mapping != nil {
			version = s.Mapping.Version()
		}
		add("source", s.Name, s.Timezone, version)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}
