package survival_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/internal/reference"
	"github.com/partnerhealth/partnerhealth/models/survival"
)

// group is what a reference case expects of one sample.
type group struct {
	N         int         `json:"n"`
	Events    int         `json:"events"`
	Median    *float64    `json:"median_smallest_t_with_S_le_half"`
	Midpoint  *float64    `json:"median_R_midpoint"`
	CILog     [2]*float64 `json:"median_ci95_log"`
	CILogLog  [2]*float64 `json:"median_ci95_loglog"`
	CIPlain   [2]*float64 `json:"median_ci95_plain"`
	Restrict  *restricted `json:"restricted_mean"`
	SurvAt    []survAt    `json:"surv_at"`
	TableRows []tableRow  `json:"table"`
}

type restricted struct {
	Tau   float64 `json:"tau"`
	Value float64 `json:"value"`
	SE    float64 `json:"se"`
}

type survAt struct {
	T    float64  `json:"t"`
	Surv float64  `json:"surv"`
	SE   *float64 `json:"std_err"`
}

type tableRow struct {
	Time     float64     `json:"time"`
	NRisk    int         `json:"n_risk"`
	NEvent   int         `json:"n_event"`
	NCensor  int         `json:"n_censor"`
	Surv     float64     `json:"surv"`
	SE       *float64    `json:"std_err"`
	LogSE    *float64    `json:"std_err_log_surv"`
	CILog    [2]*float64 `json:"ci_log"`
	CILogLog [2]*float64 `json:"ci_loglog"`
	CIPlain  [2]*float64 `json:"ci_plain"`
}

// optional compares a number that may be undefined.
func optional(t *testing.T, c *reference.Case, what string, got float64, ok bool, want *float64) {
	t.Helper()
	if ok != (want != nil) {
		t.Errorf("%s: %s is defined: %v, want %v", c.Name, what, ok, want != nil)
		return
	}
	if ok {
		c.Close(what, got, *want)
	}
}

func (want group) compare(t *testing.T, c *reference.Case, s survival.Sample) {
	t.Helper()
	curve, err := survival.KaplanMeier(s)
	if err != nil {
		t.Fatalf("kaplan-meier: %v", err)
	}
	if curve.N != want.N || curve.Events != want.Events || len(curve.Points) != len(want.TableRows) {
		t.Fatalf("n %d, events %d, %d times; want %d, %d, %d",
			curve.N, curve.Events, len(curve.Points), want.N, want.Events, len(want.TableRows))
	}
	for i, w := range want.TableRows {
		p := curve.Points[i]
		at := func(what string) string { return fmt.Sprintf("t=%g %s", w.Time, what) }
		if p.Time != w.Time || p.AtRisk != w.NRisk || p.Events != w.NEvent || p.Censored != w.NCensor {
			t.Errorf("point %+v, want %+v", p, w)
		}
		c.Close(at("S"), p.Survival, w.Surv)
		se, ok := p.SE()
		optional(t, c, at("SE"), se, ok, w.SE)
		se, ok = p.LogSE()
		optional(t, c, at("SE of log S"), se, ok, w.LogSE)
		for scale, ci := range map[survival.Scale][2]*float64{survival.Log: w.CILog, survival.LogLog: w.CILogLog, survival.Plain: w.CIPlain} {
			low, high, ok := p.Interval(scale, 0.95)
			optional(t, c, at("low"), low, ok, ci[0])
			optional(t, c, at("high"), high, ok, ci[1])
		}
	}
	for scale, ci := range map[survival.Scale][2]*float64{survival.Log: want.CILog, survival.LogLog: want.CILogLog, survival.Plain: want.CIPlain} {
		at, low, high := curve.Median(scale, 0.95)
		optional(t, c, "median", at.Time, at.Reached, want.Median)
		optional(t, c, fmt.Sprintf("median low (scale %d)", scale), low.Time, low.Reached, ci[0])
		optional(t, c, fmt.Sprintf("median high (scale %d)", scale), high.Time, high.Reached, ci[1])
	}
	middle, ok := midpoint(curve)
	optional(t, c, "median of R", middle, ok, want.Midpoint)
	if r := want.Restrict; r != nil {
		mean, se := curve.RestrictedMean(r.Tau)
		c.Close("restricted mean", mean, r.Value)
		c.Close("SE of the restricted mean", se, r.SE)
	}
	for _, w := range want.SurvAt {
		p := curve.At(w.T)
		c.Close(fmt.Sprintf("S(%g)", w.T), p.Survival, w.Surv)
		se, ok := p.SE()
		optional(t, c, fmt.Sprintf("SE of S(%g)", w.T), se, ok, w.SE)
	}
}

// midpoint is the median as R reports it: where the curve is exactly one half from one event to the next, the time between
// them.
func midpoint(curve *survival.Curve) (float64, bool) {
	half := func(s float64) bool { return math.Abs(s-0.5) < 1e-12 }
	for i, p := range curve.Points {
		if p.Survival > 0.5 && !half(p.Survival) {
			continue
		}
		for _, next := range curve.Points[i+1:] {
			if half(p.Survival) && !half(next.Survival) {
				return (p.Time + next.Time) / 2, true
			}
		}
		return p.Time, true
	}
	return 0, false
}

// samples reads the data of a case by group; ALL is everyone.
func samples(c *reference.Case) map[string]survival.Sample {
	tab := c.Table(c.Name + ".csv")
	time, event, names := tab.Floats("time"), tab.Floats("event"), tab.Text("group")
	var entry []float64
	if tab.Has("entry") {
		entry = tab.Floats("entry")
	}
	out := map[string]survival.Sample{}
	for i := range time {
		for _, g := range []string{names[i], "ALL"} {
			s := out[g]
			s.Time, s.Event = append(s.Time, time[i]), append(s.Event, event[i] == 1)
			if entry != nil {
				s.Entry = append(s.Entry, entry[i])
			}
			out[g] = s
		}
	}
	return out
}

func TestReference(t *testing.T) {
	reference.Test(t, "survival", map[string]func(*testing.T, *reference.Case){
		"02_kaplan_meier/aml":                       checkCurves,
		"02_kaplan_meier/edge_all_censored":         checkCurves,
		"02_kaplan_meier/edge_event_at_zero":        checkCurves,
		"02_kaplan_meier/edge_median_exactly_half":  checkCurves,
		"02_kaplan_meier/edge_not_reached":          checkCurves,
		"02_kaplan_meier/edge_single_event":         checkCurves,
		"02_kaplan_meier/edge_tie_event_and_censor": checkCurves,
		"02_kaplan_meier/left_truncated":            checkCurves,
		"02_kaplan_meier/lung_by_sex":               checkCurves,
		"02_kaplan_meier/partner_first_revenue":     checkCurves,
		"03_cox/heart_start_stop":                   checkCox,
		"03_cox/lung":                               checkCox,
		"03_cox/rossi":                              checkCox,
		"09_person_period/life_table":               checkLifeTable,
		"09_person_period/synthetic_partner_months": checkGrouped,
		"09_person_period/worked_example":           checkWorkedExample,
	})
}

func checkCurves(t *testing.T, c *reference.Case) {
	var want map[string]group
	c.Field("expected", &want)
	data := samples(c)
	for g, w := range want {
		t.Run(g, func(t *testing.T) { w.compare(t, c, data[g]) })
	}
	var rank *struct {
		Groups   []string    `json:"groups"`
		N        []int       `json:"n"`
		Observed []float64   `json:"observed"`
		Expected []float64   `json:"expected"`
		Variance [][]float64 `json:"variance"`
		Chi2     float64     `json:"chisq"`
		DF       int         `json:"df"`
		P        float64     `json:"p_value"`
	}
	if c.Field("logrank", &rank); rank == nil {
		return
	}
	in := make([]survival.Sample, len(rank.Groups))
	for i, g := range rank.Groups {
		in[i] = data[g]
		if n := len(in[i].Time); n != rank.N[i] {
			t.Errorf("%s: %d rows, want %d", g, n, rank.N[i])
		}
	}
	got, err := survival.LogRank(in)
	if err != nil || got.DF != rank.DF {
		t.Fatalf("log-rank: %+v, %v", got, err)
	}
	c.AllClose("observed", got.Observed, rank.Observed)
	c.AllClose("expected", got.Expected, rank.Expected)
	for i := range rank.Variance {
		for j, v := range rank.Variance[i] {
			c.Close("variance", got.Variance.At(i, j), v)
		}
	}
	c.Close("chi2", got.Chi2, rank.Chi2)
	c.Close("p", got.P, rank.P)
}

// The hazards d/n of 09_person_period/life_table multiply to the Kaplan-Meier curve.
func checkLifeTable(t *testing.T, c *reference.Case) {
	var want []struct {
		Month    float64 `json:"month"`
		AtRisk   int     `json:"at_risk"`
		Events   int     `json:"events"`
		Hazard   float64 `json:"hazard"`
		Survival float64 `json:"survival"`
	}
	c.Field("expected", &want)
	tab := c.Table("life_table.csv")
	s := survival.Sample{Time: tab.Floats("months")}
	for _, e := range tab.Floats("event") {
		s.Event = append(s.Event, e == 1)
	}
	curve, err := survival.KaplanMeier(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		p := curve.At(w.Month)
		if p.AtRisk != w.AtRisk || p.Events != w.Events {
			t.Errorf("month %g: %d at risk, %d events; want %d, %d", w.Month, p.AtRisk, p.Events, w.AtRisk, w.Events)
		}
		c.Close("survival", p.Survival, w.Survival)
		c.Close("hazard", float64(p.Events)/float64(p.AtRisk), w.Hazard)
	}
}
