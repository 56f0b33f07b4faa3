package score

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math"
)

// Registry keeps fits from night to night, each under the fingerprint of all that it is a function of. It saves work and
// changes no row: a fit that was kept scores to the same bits as one that is made anew.
type Registry interface {
	// Load returns what was saved under a fingerprint, false where nothing was.
	Load(fingerprint string) (data []byte, found bool, err error)
	// Save keeps the data.
	Save(fingerprint string, data []byte) error
}

const (
	// definitionVersion counts the definitions of the churn model: target, features, split, ladder, recalibration, rule.
	definitionVersion = 3
	// keptFormat counts the formats in which fits are kept.
	keptFormat = 1
)

// obtain takes the fits from the registry, or makes and keeps them.
func (n *night) obtain(ctx context.Context, l lesson) error {
	fingerprint, registry := n.fingerprint(l), n.o.Registry
	if registry != nil {
		data, found, err := registry.Load(fingerprint)
		switch {
		case err != nil:
			n.note = "a kept churn model could not be read and is fitted again: " + err.Error()
		case found:
			if n.fits, err = n.open(data, fingerprint, l); err == nil {
				return nil
			}
			n.note = "a kept churn model is not used and fitted again: " + err.Error()
		}
	}
	n.refitted = true
	var err error
	if n.fits, err = n.learn(ctx, l); err != nil {
		return err
	}
	n.fits.fingerprint = fingerprint
	if registry == nil {
		return nil
	}
	data, err := n.fits.keep(n.o.Version)
	if err == nil {
		err = registry.Save(fingerprint, data)
	}
	if err != nil {
		n.note = "the churn model could not be kept for the next night: " + err.Error()
	}
	return nil
}

// fingerprint is the SHA-256, in hexadecimal, of everything that the fits are a function of: the definition's version, the
// options, the chosen columns, and all rows that are learned from, in order, with features and outcomes.
func (n *night) fingerprint(l lesson) string {
	h := sha256.New()
	var columns []string
	for _, c := range l.choices {
		columns = append(columns, c.columns...)
	}
	o := n.o
	write(h, fmt.Sprintf("churn model, definition %d", definitionVersion),
		fmt.Sprintf("%d %d %d %+v %v %v %v %v", o.HorizonDays, o.Seed, o.Resamples, o.Ladder, o.Lambda, o.PriorRate, o.PriorRows, o.ColdStartMonths),
		fmt.Sprintf("%t %t %t %t %q", l.attempted, l.constrained, l.lack == "", o.ranksOnly, columns))
	rows := n.usable
	if len(n.split.train) == 0 { // then the rule score is made of tonight's partners
		rows = append(rows[:len(rows):len(rows)], n.live...)
	}
	for _, i := range rows {
		s := n.p.rows[i]
		write(h, s.partner, s.family)
		hashNumber(h, uint64(s.on))
		hashNumber(h, uint64(s.spell))
		for _, v := range append([]float64{s.label}, s.values...) {
			if math.IsNaN(v) {
				v = math.NaN() // one of many
			}
			hashNumber(h, math.Float64bits(v))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// write hashes texts, each behind its length.
func write(h hash.Hash, texts ...string) {
	for _, t := range texts {
		hashNumber(h, uint64(len(t)))
		h.Write([]byte(t))
	}
}

func hashNumber(h hash.Hash, v uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	h.Write(b[:])
}

// kept is the form in which fits are kept: Fits is the JSON of keptFits, under a checksum of its bytes.
type kept struct {
	Format      int             `json:"format"`
	Version     string          `json:"version"`
	Fingerprint string          `json:"fingerprint"`
	Checksum    string          `json:"checksum"`
	Fits        json.RawMessage `json:"fits"`
}

type keptFits struct {
	Lambda        float64        `json:"lambda"`
	LambdaSource  string         `json:"lambda_source"`
	Failure       string         `json:"failure,omitempty"`
	Regression    *coefficients  `json:"regression,omitempty"`
	Recalibration *recalibration `json:"recalibration,omitempty"`
	Rule          keptRule       `json:"rule"`

	RegressionTrack *keptTrack `json:"regression_track,omitempty"`
	RuleTrack       *keptTrack `json:"rule_track"`
	RecencyTrack    *keptTrack `json:"recency_track"`
	MajorityTrack   *keptTrack `json:"majority_track"`
}

// keptRule is a rule score; Terms are in the order of the drivers.
type keptRule struct {
	Base  float64    `json:"base"`
	Terms []keptTerm `json:"terms"`
}

type keptTerm struct {
	Median float64 `json:"median"`
	IQR    float64 `json:"iqr"`
	Mean   float64 `json:"mean"`
	Left   string  `json:"left,omitempty"`
}

// keptTrack is a track record; Probability is in the order of the held-out rows.
type keptTrack struct {
	Probability []float64     `json:"probability"`
	Expected    float64       `json:"expected"`
	BrierBase   float64       `json:"brier_base"`
	BaseRate    float64       `json:"base_rate"`
	Measures    []keptMeasure `json:"measures"`
}

type keptMeasure struct {
	Value     float64 `json:"value"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	SE        float64 `json:"se"`
	Exists    bool    `json:"exists"`
	IsBounded bool    `json:"is_bounded"`
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// keep writes the fits of a version of the program.
func (f *fits) keep(version string) ([]byte, error) {
	k := keptFits{
		Lambda: f.lambda.lambda, LambdaSource: f.lambda.how, Failure: f.failure,
		RegressionTrack: f.regressionTrack.keep(), RuleTrack: f.ruleTrack.keep(), RecencyTrack: f.recencyTrack.keep(), MajorityTrack: f.majorityTrack.keep(),
	}
	if f.regression != nil {
		k.Regression, k.Recalibration = &f.regression.coefficients, &f.regression.recalibration
	}
	k.Rule.Base = f.rule.base
	for _, t := range f.rule.terms {
		k.Rule.Terms = append(k.Rule.Terms, keptTerm{t.median, t.iqr, t.mean, t.left})
	}
	data, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("write fits: %w", err)
	}
	out, err := json.Marshal(kept{keptFormat, version, f.fingerprint, checksum(data), data})
	if err != nil {
		return nil, fmt.Errorf("write fits: %w", err)
	}
	return append(out, '\n'), nil
}

func (t *trackRecord) keep() *keptTrack {
	if t == nil {
		return nil
	}
	k := &keptTrack{Probability: t.probability, Expected: t.expected, BrierBase: t.brierBase, BaseRate: t.baseRate}
	for _, m := range t.m {
		if !m.ok {
			m.value = 0
		}
		k.Measures = append(k.Measures, keptMeasure{m.value, m.low, m.high, m.se, m.ok, m.bounded})
	}
	return k
}

// open reads kept fits. Those that are damaged, of another lesson, or made by another version of the program are refused.
func (n *night) open(data []byte, fingerprint string, l lesson) (*fits, error) {
	var outer kept
	if err := json.Unmarshal(data, &outer); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	switch {
	case outer.Format != keptFormat:
		return nil, fmt.Errorf("it has format %d, not %d", outer.Format, keptFormat)
	case outer.Version != n.o.Version:
		return nil, fmt.Errorf("it was fitted by version %q of the program", outer.Version)
	case outer.Fingerprint != fingerprint:
		return nil, fmt.Errorf("it belongs to other data")
	case outer.Checksum != checksum(outer.Fits):
		return nil, fmt.Errorf("it is damaged: the checksum is not that of its content")
	}
	var k keptFits
	if err := json.Unmarshal(outer.Fits, &k); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	f := &fits{fingerprint: fingerprint, lambda: lambdaChoice{k.Lambda, k.LambdaSource}, failure: k.Failure}
	tracks := []struct {
		from *keptTrack
		into **trackRecord
	}{
		{k.RecencyTrack, &f.recencyTrack}, {k.RuleTrack, &f.ruleTrack}, {k.MajorityTrack, &f.majorityTrack}, {k.RegressionTrack, &f.regressionTrack},
	}
	for _, t := range tracks {
		if t.from == nil && t.into == &f.regressionTrack {
			continue
		}
		if t.from == nil || len(t.from.Probability) != len(n.split.heldOut) || len(t.from.Measures) != int(measures) {
			return nil, fmt.Errorf("it lacks a track record")
		}
		*t.into = n.p.openTrack(t.from, k.RecencyTrack.Probability, n.split.heldOut)
	}
	if k.Regression != nil {
		if k.Recalibration == nil || f.regressionTrack == nil || !k.Regression.fits(n.p) {
			return nil, fmt.Errorf("its regression is not whole")
		}
		f.regression = n.p.newRidge(*k.Regression, l.choices, *k.Recalibration, n.o)
	}
	if len(k.Rule.Terms) != len(drivers) {
		return nil, fmt.Errorf("its rule score has %d drivers", len(k.Rule.Terms))
	}
	f.rule = n.p.newScorecard(drivers, nil, 0.5, n.o)
	f.rule.base = k.Rule.Base
	for i, t := range k.Rule.Terms {
		term := &f.rule.terms[i]
		term.median, term.iqr, term.mean, term.left = t.Median, t.IQR, t.Mean, t.Left
	}
	return f, nil
}

// fits reports whether the lists of coefficients have the lengths that the columns of the panel demand.
func (c *coefficients) fits(p *panel) bool {
	for _, name := range c.Columns {
		if _, known := p.index[name]; !known {
			return false
		}
	}
	k, q := len(c.Columns), len(c.Columns)+1
	return len(c.Impute) == k && len(c.Mean) == k && len(c.SD) == k && len(c.State) == k &&
		len(c.Standard) == q && len(c.SE) == q && len(c.Laplace) == q*q && len(c.Cluster) == q*q
}

// openTrack puts a kept track record beside the held-out rows.
func (p *panel) openTrack(k *keptTrack, baseline []float64, rows []int) *trackRecord {
	t := &trackRecord{rows: rows, outcome: p.labels(rows), churns: p.churns(rows), probability: k.Probability, baseline: baseline,
		expected: k.Expected, brierBase: k.BrierBase, baseRate: k.BaseRate}
	for i, m := range k.Measures {
		t.m[i] = measure{m.Value, m.Low, m.High, m.SE, m.Exists, m.IsBounded}
	}
	return t
}
