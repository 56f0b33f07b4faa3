// Package config reads the one YAML file that describes a partner programme and its nightly run.
//
// [Load] decodes strictly, fills in the defaults of [Default], reads the presets and mapping files that the sources name,
// and reports everything that is wrong at once as [Problems], each with its path, its line and a next step.
// A variant of a metric that the code does not follow is such a problem, never a silent substitute.
//
// Config is the shape of the file. Other packages take the few values that they need from the run, and SQL
// reads them from the tables that [Config.Settings], [Config.Lists], [Config.TierRequirements],
// [Config.HealthWeights] and [Config.HealthBars] describe.
package config

import (
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// Config is a whole configuration. Paths are absolute once [Load] has returned it.
type Config struct {
	Program Program `yaml:"program"`
	// State is the folder in which lake, runs and published databases live.
	State     string    `yaml:"state"`
	Sources   []Source  `yaml:"sources"`
	People    People    `yaml:"people"`
	Alerts    Alerts    `yaml:"alerts"`
	QBR       QBR       `yaml:"qbr"`
	Metrics   Metrics   `yaml:"metrics"`
	Publish   Publish   `yaml:"publish"`
	Resources Resources `yaml:"resources"`
}

// Program names the partner programme and the calendar and currency in which it is reported.
type Program struct {
	Name string `yaml:"name"`
	// Currency is the reporting currency, an ISO 4217 code (currency.base).
	Currency string `yaml:"currency"`
	// Timezone is the IANA zone in which a day ends (calendar.timezone).
	Timezone   string     `yaml:"timezone"`
	FiscalYear FiscalYear `yaml:"fiscal_year"`
}

// FiscalYear is the reporting calendar (fiscal.*).
type FiscalYear struct {
	// StartMonth is the first month of the fiscal year, 1 to 12.
	StartMonth int `yaml:"start_month"`
	// Label says whether a fiscal year is named after the calendar year in which it starts or ends.
	Label string `yaml:"label"`
	// Pattern is how a year divides into months.
	Pattern string `yaml:"pattern"`
}

// Source is one system whose exports arrive in a folder or bucket.
type Source struct {
	// Name is the instance's name; native keys begin with it, so it cannot change without a new history.
	Name string `yaml:"name"`
	// Preset is the built-in mapping that the source uses, "" for none.
	Preset string `yaml:"preset"`
	// MappingFile says how the exports become canonical rows. Beside a preset its objects come first, and replace
	// those of the same name.
	MappingFile string `yaml:"mapping"`
	// Path is the folder of the exports, or s3://bucket/prefix.
	Path string `yaml:"path"`
	// Timezone is the IANA zone of times that carry none; empty when the mapping states it.
	Timezone string `yaml:"timezone"`
	// With sets the parameters of preset and mapping.
	With map[string]preset.Value `yaml:"with"`
	// Aliases are further names of columns, by the name under which the mapping knows them.
	Aliases map[string][]string `yaml:"aliases"`
	// Complete says how an export that is still being written is told from a whole one.
	Complete Complete `yaml:"complete"`
	// Ignore are patterns of files in the folder that are known and not read; ** stands for any number of folders.
	Ignore []string `yaml:"ignore"`
	// UnknownFiles says what becomes of a file that neither mapping nor Ignore names: report, which "" means too, or
	// freeze, which stops the night before anything is read.
	UnknownFiles string `yaml:"unknown_files"`
	// Endpoint and Region are those of the bucket, empty for what the environment says.
	Endpoint string `yaml:"endpoint"`
	Region   string `yaml:"region"`
	// Mapping is what preset and mapping file say together, with Timezone applied. Only Load fills it.
	Mapping *preset.Mapping `yaml:"-"`
}

// The variants of Source.UnknownFiles.
const (
	ReportUnknown = "report"
	FreezeUnknown = "freeze"
)

// Complete says when an export is whole. Without a rule every file is.
type Complete struct {
	// StableFor is how long a file must have been unchanged, 0 for no such rule.
	StableFor time.Duration `yaml:"stable_for"`
	// Marker is the name of the file that appears in a folder when all of its exports are written, like _SUCCESS.
	Marker string `yaml:"marker"`
	// Manifest is the name of the file that lists the exports of a delivery.
	Manifest string `yaml:"manifest"`
}

// People says how persons are recognised and protected.
type People struct {
	// VendorDomains are our own mail domains: whoever has such an address is no partner person.
	VendorDomains []string `yaml:"vendor_domains"`
	// Emails says in which form addresses are kept.
	Emails string `yaml:"emails"`
	// EmailKeyEnv names the environment variable that holds the key of the address hash.
	EmailKeyEnv string `yaml:"email_key_env"`
}

// Alerts says when a falling score is worth a manager's attention (M39).
type Alerts struct {
	// Floor is the health score below which an alert fires.
	Floor int `yaml:"floor"`
	// Drop is the fall, in points below the partner's own 28-day median, at which an alert fires.
	Drop int `yaml:"drop"`
	// AtMostPerManager caps the list of one manager.
	AtMostPerManager int `yaml:"at_most_per_manager"`
}

// QBR says when the data set of a quarterly business review is made and when it no longer changes (M47).
type QBR struct {
	DaysBefore int `yaml:"days_before"`
	FreezeDays int `yaml:"freeze_days"`
}

// Publish says what is kept of past nights.
type Publish struct {
	// Keep is the number of published folders kept beside the current one, at least 1.
	Keep int `yaml:"keep"`
}

// Resources bounds what a run may use of the machine.
type Resources struct {
	// Threads bounds the database's threads; 0 means one for each core.
	Threads int `yaml:"threads"`
	// MemoryLimit bounds the database's memory, for example 4GB; empty means its own default.
	MemoryLimit string `yaml:"memory_limit"`
}

// Default returns the configuration that a file changes: every default of the product is stated here.
func Default() *Config {
	return &Config{
		Program:   Program{FiscalYear: FiscalYear{StartMonth: 1, Label: "end_year", Pattern: "months"}},
		State:     "./state",
		People:    People{Emails: "hashed", EmailKeyEnv: "PARTNERHEALTH_EMAIL_KEY"},
		Alerts:    Alerts{Floor: 40, Drop: 15, AtMostPerManager: 10},
		QBR:       QBR{DaysBefore: 10, FreezeDays: 10},
		Metrics:   defaultMetrics(),
		Publish:   Publish{Keep: 14},
		Resources: Resources{},
	}
}
