package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is the minimal configuration, on which the cases below change one thing.
func sample(t *testing.T) *Config {
	t.Helper()
	c, err := Parse("minimal", read(t, "testdata/minimal.good.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The columns of run_settings that come from the configuration, with the documented defaults.
func TestSettingsAreTheColumnsOfRunSettings(t *testing.T) {
	want := []Setting{
		{"timezone", "VARCHAR", "Europe/Berlin"},
		{"program_name", "VARCHAR", "Northwind Partner Program"},
		{"currency_base", "VARCHAR", "USD"},
		{"fiscal_start_month", "INTEGER", int64(1)},
		{"fiscal_label", "VARCHAR", "end_year"},
		{"min_n", "INTEGER", int64(10)},
		{"shrink_m", "INTEGER", int64(10)},
		{"active_events", "VARCHAR", "won"},
		{"active_min_tenure_days", "INTEGER", int64(90)},
		{"state_active_days", "INTEGER", int64(90)},
		{"sla_response_hours", "INTEGER", int64(24)},
		{"onboarding_deadline_days", "INTEGER", int64(60)},
		{"activation_window_days", "INTEGER", int64(90)},
		{"winrate_no_decision", "VARCHAR", "lost"},
		{"winrate_qualified_stage_order", "INTEGER", nil},
		{"influence_lookback_days", "INTEGER", int64(90)},
		{"influence_exclusive", "BOOLEAN", true},
		{"attribution_headline", "VARCHAR", "linear"},
		{"attribution_lookback_days", "INTEGER", int64(180)},
		{"sourced_set_within_days", "INTEGER", int64(14)},
		{"ropi_benefit", "VARCHAR", "gross_margin"},
		{"ropi_credit", "VARCHAR", "attributed"},
		{"ropi_driver", "VARCHAR", "deals_worked"},
		{"ropi_lag_quarters", "INTEGER", int64(0)},
		{"churn_kind", "VARCHAR", "either"},
		{"churn_silence_min_days", "INTEGER", int64(90)},
		{"churn_silence_max_days", "INTEGER", int64(180)},
		{"churn_horizon_days", "INTEGER", int64(180)},
		{"alert_floor", "INTEGER", int64(40)},
		{"alert_drop", "INTEGER", int64(15)},
		{"alert_at_most_per_manager", "INTEGER", int64(10)},
		{"freshness_max_age_days", "INTEGER", int64(3)},
		{"freshness_carry_days", "INTEGER", int64(7)},
		{"identity_coverage_min", "DOUBLE", 0.9},
		{"qbr_days_before", "INTEGER", int64(10)},
		{"qbr_freeze_days", "INTEGER", int64(10)},
	}
	if diff := cmp.Diff(want, sample(t).Settings()); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestLists(t *testing.T) {
	c := sample(t)
	c.People.VendorDomains = []string{"northwind.example"}
	c.Metrics.Churn.ExitReasons = []string{"merger"}
	want := []ListValue{
		{"people.vendor_domains", "northwind.example"},
		{"revenue_roles", "sourced"},
		{"revenue_roles", "resold"},
		{"revenue_roles", "fulfilled"},
		{"winrate.exclude_reasons", "duplicate"},
		{"winrate.exclude_reasons", "test"},
		{"winrate.exclude_reasons", "merged"},
		{"influence.touch_types", "joint_meeting"},
		{"influence.touch_types", "technical_validation"},
		{"influence.touch_types", "reference_call"},
		{"influence.touch_types", "partner_role"},
		{"influence.touch_types", "funded_event"},
		{"churn.exit_reasons", "merger"},
	}
	if diff := cmp.Diff(want, c.Lists()); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestTiersAndBarsHaveAFixedOrder(t *testing.T) {
	c := sample(t)
	c.Metrics.Tier.RequiredCertifications = map[string]int{"silver": 3, "gold": 6, "bronze": 0}
	c.Metrics.Score.Bars = map[string]Bar{"win_rate": {0.1, 0.5}, "commercial_silence": {1, 3}}
	wantTiers := []TierRequirement{{"bronze", 0}, {"gold", 6}, {"silver", 3}}
	if diff := cmp.Diff(wantTiers, c.TierRequirements()); diff != "" {
		t.Errorf("tiers (-want +got):\n%s", diff)
	}
	// Less silence is better: three gaps without a deal earn nothing, one earns all.
	wantBars := []HealthBar{{"commercial_silence", 3, 1}, {"win_rate", 0.1, 0.5}}
	if diff := cmp.Diff(wantBars, c.HealthBars()); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
}

// The default profiles as they are published: by stage, each summing to 100, activity within its bound.
func TestDefaultHealthWeights(t *testing.T) {
	sum, activity := make(map[string]int64), make(map[string]int64)
	isActivity := map[string]bool{"people_active": true, "content_events": true, "courses_per_person": true, "meetings_held": true}
	var grow []HealthWeight
	for _, w := range sample(t).HealthWeights() {
		sum[w.Stage] += w.Weight
		if isActivity[w.Signal] {
			activity[w.Stage] += w.Weight
		}
		if w.Stage == "grow" {
			grow = append(grow, w)
		}
	}
	if diff := cmp.Diff(map[string]int64{"onboard": 100, "enable": 100, "sell": 100, "grow": 100}, sum); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	if activity["sell"] != 25 || activity["grow"] != 15 {
		t.Errorf("activity weighs %d in sell and %d in grow, want 25 and 15", activity["sell"], activity["grow"])
	}
	want := []HealthWeight{
		{"grow", "certification_coverage", 5}, {"grow", "people_active", 10}, {"grow", "commercial_silence", 20},
		{"grow", "registrations_trend", 5}, {"grow", "pipeline_trend", 10}, {"grow", "revenue_trend", 20},
		{"grow", "win_rate", 5}, {"grow", "nrr", 10}, {"grow", "meetings_held", 5}, {"grow", "psat", 10},
	}
	if diff := cmp.Diff(want, grow); diff != "" {
		t.Errorf("profile of grow (-want +got):\n%s", diff)
	}
}

func TestAStageThatIsNamedReplacesItsProfileOnly(t *testing.T) {
	file := string(read(t, "testdata/minimal.good.yml")) +
		"metrics: { score: { weights: { sell: { win_rate: 60, commercial_silence: 40 } } } }\n"
	c, err := Parse("weights", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := defaultWeights()
	want["sell"] = map[string]int{"win_rate": 60, "commercial_silence": 40}
	if diff := cmp.Diff(want, c.Metrics.Score.Weights); diff != "" {
		t.Errorf("weights (-want +got):\n%s", diff)
	}
}

func TestHashIgnoresWhatChangesNoNumber(t *testing.T) {
	want := sample(t).Hash()
	if len(want) != 16 {
		t.Errorf("hash %q has not 16 digits", want)
	}
	for name, change := range map[string]func(*Config){
		"state folder":   func(c *Config) { c.State = "/elsewhere" },
		"export folder":  func(c *Config) { c.Sources[0].Path = "/elsewhere" },
		"mapping's name": func(c *Config) { c.Sources[0].MappingFile = "other.yaml" },
		"threads":        func(c *Config) { c.Resources.Threads = 7 },
		"memory":         func(c *Config) { c.Resources.MemoryLimit = "1GB" },
		"retention":      func(c *Config) { c.Publish.Keep = 99 },
		"key variable":   func(c *Config) { c.People.EmailKeyEnv = "OTHER" },
		"order of a list": func(c *Config) {
			r := c.Metrics.RevenueRoles
			r[0], r[1] = r[1], r[0]
		},
	} {
		c := sample(t)
		change(c)
		if c.Hash() != want {
			t.Errorf("%s changes the hash", name)
		}
	}
	commented := "# a remark\n" + strings.ReplaceAll(string(read(t, "testdata/minimal.good.yml")), "sources:", "\n\nsources:")
	c, err := Parse("commented", []byte(commented))
	if err != nil {
		t.Fatal(err)
	}
	if c.Hash() != want {
		t.Error("layout changes the hash")
	}
}

// Every metric switch, and what the program is called and when its days end, changes the hash.
func TestHashFollowsEverySwitch(t *testing.T) {
	ignored := map[string]bool{"program.fiscal_year.pattern": true}
	for _, section := range []string{"program", "alerts", "qbr", "metrics"} {
		for _, path := range settingPaths(reflect.TypeFor[Config](), "") {
			if !strings.HasPrefix(path, section+".") || ignored[path] {
				continue
			}
			c := sample(t)
			before := c.Hash()
			if !bump(reflect.ValueOf(c).Elem(), strings.Split(path, ".")) {
				continue
			}
			if c.Hash() == before {
				t.Errorf("%s does not change the hash", path)
			}
		}
	}
}

// bump changes the setting at path, and reports false for a section.
func bump(v reflect.Value, path []string) bool {
	for _, name := range path {
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") == name {
				v = v.Field(i)
				break
			}
		}
	}
	switch x := v.Addr().Interface().(type) {
	case *string:
		*x += "x"
	case *int:
		*x++
	case *bool:
		*x = !*x
	case **int:
		*x = new(int)
	case *[]string:
		*x = append(*x, "x")
	case *map[string]int:
		*x = map[string]int{"x": 1}
	case *map[string]Bar:
		*x = map[string]Bar{"psat": {0, 1}}
	case *map[string]map[string]int:
		(*x)["sell"]["psat"]++
	default:
		return false
	}
	return true
}

func TestHashFollowsTheSources(t *testing.T) {
	before := sample(t).Hash()
	for name, change := range map[string]func(*Config){
		"name": func(c *Config) { c.Sources[0].Name = "crm2" },
		"zone": func(c *Config) { c.Sources[0].Timezone = "UTC" },
		"one more": func(c *Config) {
			c.Sources = append(c.Sources, Source{Name: "lms"})
		},
	} {
		c := sample(t)
		change(c)
		if c.Hash() == before {
			t.Errorf("%s does not change the hash", name)
		}
	}
}
