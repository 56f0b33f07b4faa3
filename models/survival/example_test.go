package survival_test

import (
	"fmt"
	"time"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// Do resellers reach their first deal sooner than referral partners?
func ExampleLogRank() {
	test, err := survival.LogRank([]survival.Sample{
		{Time: []float64{20, 25, 31, 40, 44, 60, 75}, Event: []bool{true, true, true, true, false, true, true}},
		{Time: []float64{35, 60, 90, 110, 120, 150, 180}, Event: []bool{true, true, false, true, true, false, false}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("resellers: %g deals, %.1f expected if there were no difference\n", test.Observed[0], test.Expected[0])
	fmt.Printf("chi-squared %.1f, p = %.3f\n", test.Chi2, test.P)
	// Output:
	// resellers: 6 deals, 2.8 expected if there were no difference
	// chi-squared 6.1, p = 0.014
}

// Does a score rank the partners by how soon they churn?
func ExampleHarrellConcordance() {
	score := []float64{0.9, 0.4, 0.7, 0.1, 0.2}
	days := []float64{30, 200, 60, 365, 120}
	churned := []bool{true, false, true, false, true}
	c, err := survival.HarrellConcordance(score, nil, days, churned)
	if err != nil {
		fmt.Println(err)
		return
	}
	index, _ := c.Index()
	fmt.Printf("%d of %d pairs in the right order, index %.2f\n", c.Concordant, c.Concordant+c.Discordant+c.TiedScore, index)
	// Output:
	// 8 of 9 pairs in the right order, index 0.89
}

// A row for each partner and month, and whether the partner churned in it.
func ExampleFitGrouped() {
	quiet := []float64{0, 1, 0, 2, 3, 0, 1, 2, 3, 0, 1, 3, 2, 0, 1, 2}
	churned := []bool{false, false, false, true, true, false, false, false, true, false, true, false, false, false, false, true}
	m, err := survival.FitGrouped(quiet, churned, []string{"quiet_months"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log hazard ratio of a quiet month %.2f (SE %.2f)\n", m.Coefficients[1], m.SE[1])
	// Output:
	// log hazard ratio of a quiet month 0.97 (SE 0.50)
}

// Three months with a risk of 4 % each.
func ExampleCompound() {
	fmt.Printf("%.2f %%\n", 100*survival.Compound(0.04, 0.04, 0.04))
	// Output:
	// 11.53 %
}

// What was known of a partner on the first of June.
func ExampleTrailing() {
	on := func(month time.Month, day int) time.Time { return time.Date(2024, month, day, 0, 0, 0, 0, time.UTC) }
	orders := []survival.Activity{{On: on(2, 10), Amount: 500}, {On: on(3, 20), Amount: 800}, {On: on(5, 12), Amount: 300}, {On: on(6, 3), Amount: 900}}
	revenue, days := survival.Trailing(orders, on(1, 1), on(6, 1), 3)
	fmt.Printf("revenue of three months %g, last order %d days ago\n", revenue, days)
	// Output:
	// revenue of three months 1100, last order 20 days ago
}

// Ninety days without an order are a churn, an order after that a return.
func ExampleLapses() {
	on := func(month time.Month, day int) time.Time { return time.Date(2024, month, day, 0, 0, 0, 0, time.UTC) }
	for _, l := range survival.Lapses([]time.Time{on(1, 5), on(2, 1), on(7, 15)}, 90, on(12, 31)) {
		fmt.Println("last order", l.Last.Format(time.DateOnly), "churned", l.On.Format(time.DateOnly), "returned", !l.Returned.IsZero())
	}
	// Output:
	// last order 2024-02-01 churned 2024-05-01 returned true
	// last order 2024-07-15 churned 2024-10-13 returned false
}

// How long will a partner without certified people still take, 30 days after signing?
func ExampleCox_Remaining() {
	m, err := survival.FitCox(survival.CoxData{
		X:       []float64{1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0},
		Stop:    []float64{20, 35, 50, 60, 90, 120, 45, 150, 75, 30, 80, 110},
		Event:   []bool{true, true, true, false, true, false, true, false, true, true, true, true},
		Columns: []string{"certified"},
	}, survival.CoxOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	at, low, high, err := m.Remaining([]float64{0}, 30, 0.5, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("median", at.Time, "low", low.Time, "high reached:", high.Reached)
	// Output:
	// median 80 low 20 high reached: false
}
