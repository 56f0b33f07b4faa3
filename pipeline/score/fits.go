package score

import (
	"context"
	"fmt"
)

// fits are what a night learns from outcomes: everything that takes time, and nothing that depends on tonight's partners.
type fits struct {
	// fingerprint of all that the fits are a function of.
	fingerprint string
	lambda      lambdaChoice
	// failure says why there is no regression; "" where there is one, or none was tried.
	failure string
	// regression is learned from all known outcomes, rule is the rule score; regression may be nil.
	regression *ridge
	rule       *scorecard
	// The track records on the held-out quarters, of models that were learned from the training window alone; that of
	// the regression may be nil. All are judged by the same resamples.
	regressionTrack, ruleTrack, recencyTrack, majorityTrack *trackRecord
}

// lesson is how the night goes about learning.
type lesson struct {
	// attempted is set where there are churns enough for a regression.
	attempted   bool
	constrained bool
	choices     []choice
	// lack says why no regression can be tried for all that.
	lack string
}

// prepare chooses what a regression may use.
func (n *night) prepare() lesson {
	l := lesson{attempted: n.churns >= n.o.Ladder.Shadow, constrained: n.churns < n.o.Ladder.CrossValidate}
	if !l.attempted {
		return l
	}
	var err error
	if l.choices, err = n.p.choose(n.split.train, n.live, n.churns/churnsPerCoefficient); err != nil {
		l.lack = err.Error()
	}
	return l
}

// learn fits and judges. A regression that cannot be fitted is no error.
func (n *night) learn(ctx context.Context, l lesson) (*fits, error) {
	p, train, held := n.p, n.split.train, n.split.heldOut
	f := &fits{lambda: lambdaChoice{n.o.Lambda, "fixed"}}
	var recency *ridge
	if l.attempted && l.lack == "" {
		var err error
		if recency, err = n.regress(ctx, f, l); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("fit churn model: %w", err)
			}
			f.failure, f.regression, f.regressionTrack = err.Error(), nil, nil
		}
	}
	known := func(rows []int) []int {
		if len(rows) == 0 {
			return n.live
		}
		return rows
	}
	then := p.baseRate(train, n.o.PriorRate, n.o.PriorRows)
	f.rule = p.newScorecard(drivers, known(n.usable), n.rate, n.o)
	var base scorer = p.newScorecard(drivers[:1], known(train), then, n.o)
	if recency != nil {
		base = recency
	}
	for _, t := range []struct {
		into   **trackRecord
		judged scorer
	}{
		{&f.ruleTrack, p.newScorecard(drivers, known(train), then, n.o)},
		{&f.recencyTrack, base},
		{&f.majorityTrack, even{then}},
	} {
		var err error
		if *t.into, err = p.judge(t.judged, base, held, n.o); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// regress fits the regression: once on the training window, to be judged beside recency alone, which is returned, and once
// on everything that is known. What recalibrates the first was learned inside the training window, so that the held-out
// quarters judge it too; what recalibrates the second has learned from them as well.
func (n *night) regress(ctx context.Context, f *fits, l lesson) (recency *ridge, err error) {
	p, train, held := n.p, n.split.train, n.split.heldOut
	if !l.constrained {
		if f.lambda, err = p.tune(l.choices, train, n.o); err != nil {
			return nil, fmt.Errorf("find lambda: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lambda := f.lambda.lambda
	judged, err := p.fitRidge(l.choices, train, lambda, l.constrained, n.o)
	if err != nil {
		return nil, err
	}
	if recency, err = p.recencyOnly(train, lambda, n.o); err != nil {
		return nil, fmt.Errorf("fit recency alone: %w", err)
	}
	later, err := p.walkForward(l.choices, train, lambda, l.constrained, n.o)
	if err != nil {
		return nil, fmt.Errorf("predict later months: %w", err)
	}
	judged = judged.recalibrated(p.recalibrate(later))
	if f.regressionTrack, err = p.judge(judged, recency, held, n.o); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := p.fitRidge(l.choices, n.usable, lambda, l.constrained, n.o)
	if err != nil {
		return nil, fmt.Errorf("fit on all known outcomes: %w", err)
	}
	later.add(judged, p, held)
	f.regression = all.recalibrated(p.recalibrate(later))
	return recency, nil
}
