package logistic_test

import (
	"errors"
	"fmt"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// churned are twelve partner-months: days since the last activity, certified people, and whether the partner churned
// within 90 days.
func churned() logistic.Data {
	return logistic.Data{
		Names: []string{"recency_days", "certified_people"}, Cols: 2,
		X: []float64{5, 4, 12, 3, 80, 0, 45, 1, 20, 2, 60, 2, 9, 0, 70, 1, 30, 0, 15, 5, 55, 0, 25, 3},
		Y: []float64{0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0},
	}
}

// Which penalty? One fit for each, from the largest to the smallest.
func ExamplePath() {
	models, err := logistic.Path(churned(), []float64{1, 10, 100}, logistic.Options{Standardise: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range models {
		fmt.Printf("lambda %3g: risk after 80 quiet days %.0f %%, %.1f degrees of freedom\n", m.Lambda, 100*m.Probability([]float64{80, 0}), m.EffectiveDF())
	}
	// Output:
	// lambda   1: risk after 80 quiet days 88 %, 2.2 degrees of freedom
	// lambda  10: risk after 80 quiet days 60 %, 1.4 degrees of freedom
	// lambda 100: risk after 80 quiet days 44 %, 1.1 degrees of freedom
}

// Rows that are read block by block, for example from a file, give the bits of the fit in memory.
func ExampleFitBlocks() {
	all := churned()
	blocks := func(yield func(logistic.Data) error) error {
		for lo := 0; lo < len(all.Y); lo += 5 {
			hi := min(lo+5, len(all.Y))
			block := logistic.Data{Names: all.Names, Cols: 2, X: all.X[2*lo : 2*hi], Y: all.Y[lo:hi]}
			if err := yield(block); err != nil {
				return err
			}
		}
		return nil
	}
	m, err := logistic.FitBlocks(blocks, logistic.Options{Lambda: 1, Standardise: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows, %g churns, risk %.3f\n", m.Rows, m.Events, m.Probability([]float64{80, 0}))
	// Output:
	// 12 rows, 5 churns, risk 0.877
}

func ExamplePathBlocks() {
	all := churned()
	models, err := logistic.PathBlocks(func(yield func(logistic.Data) error) error { return yield(all) }, []float64{1, 10}, logistic.Options{Standardise: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range models {
		fmt.Printf("lambda %g: log-likelihood %.2f\n", m.Lambda, m.LogLik())
	}
	// Output:
	// lambda 1: log-likelihood -4.78
	// lambda 10: log-likelihood -6.67
}

// Why is this partner at risk, and how sure is that?
func ExampleModel_Contributions() {
	m, err := logistic.Fit(churned(), logistic.Options{Lambda: 1, Standardise: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	partner, part := []float64{70, 1}, make([]float64, 2)
	baseline := m.Contributions(part, partner)
	fmt.Printf("average partner %.2f, recency %+.2f, certified people %+.2f: logit %.2f\n", baseline, part[0], part[1], m.Logit(partner))
	at := m.Laplace().Interval(partner, 0.95)
	fmt.Printf("risk %.0f %%, 95 %% interval %.0f to %.0f\n", 100*at.Probability, 100*at.Low, 100*at.High)
	// Output:
	// average partner -0.43, recency +1.66, certified people +0.11: logit 1.34
	// risk 79 %, 95 % interval 32 to 97
}

// Months of one partner are not independent: standard errors by partner.
func ExampleModel_Clustered() {
	d := churned()
	m, err := logistic.Fit(d, logistic.Options{Lambda: 1, Standardise: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	partner := []int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}
	clustered, err := m.Clustered(d, partner)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("recency: %.4f, SE by row %.4f, by partner %.4f\n", m.Coef()[1], m.Sandwich().SE()[1], clustered.SE()[1])
	// Output:
	// recency: 0.0481, SE by row 0.0194, by partner 0.0123
}

// Where a column separates the outcomes there is no finite answer without a penalty, and none is given. Firth's penalty
// gives one.
func ExampleSeparationError() {
	d := logistic.Data{X: []float64{1, 2, 3, 4, 5, 6}, Cols: 1, Y: []float64{0, 0, 0, 1, 1, 1}, Names: []string{"open_tickets"}}
	_, err := logistic.Fit(d, logistic.Options{})
	var separation *logistic.SeparationError
	fmt.Println(errors.As(err, &separation), separation.Columns)
	m, err := logistic.Fit(d, logistic.Options{Firth: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f a ticket\n", m.Coef()[1])
	// Output:
	// true [open_tickets]
	// 1.13 a ticket
}

// Does the model say anything at all?
func ExampleModel_LikelihoodRatio() {
	m, err := logistic.Fit(churned(), logistic.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	chi2, df, p, err := m.LikelihoodRatio()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("chi-squared %.2f on %d degrees of freedom, p = %.4f\n", chi2, df, p)
	// Output:
	// chi-squared 7.88 on 2 degrees of freedom, p = 0.0194
}
