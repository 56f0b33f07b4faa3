package evaluate_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/partnerhealth/partnerhealth/models/evaluate"
)

// quarter are the churn scores of twenty partners at the start of a quarter, and who churned in it.
func quarter() *evaluate.Sample {
	s, err := evaluate.New(
		[]float64{1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0},
		[]float64{.62, .55, .48, .41, .33, .30, .28, .22, .19, .15, .12, .11, .09, .08, .07, .06, .05, .04, .03, .02}, nil)
	if err != nil {
		panic(err)
	}
	return s
}

func ExampleNew() {
	_, err := evaluate.New([]float64{0, 1, 2}, []float64{0.1, 0.2, 0.3}, nil)
	fmt.Println(err)
	// Output:
	// row 2: outcome 2 is neither 0 nor 1
}

func ExampleSample_DeLong() {
	d, err := quarter().DeLong(0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("AUC %.2f, 95 %% interval %.2f to %.2f\n", d.AUC, d.Low, d.High)
	// Output:
	// AUC 0.85, 95 % interval 0.66 to 1.00
}

// If we call the five partners with the highest scores, how many of those who churn do we reach?
func ExampleSample_TopShare() {
	top, err := quarter().TopShare(0.25)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%g called, precision %.2f, recall %.2f, lift %.1f\n", top.K, top.Precision, top.Recall, top.Lift)
	// Output:
	// 5 called, precision 0.60, recall 0.60, lift 2.4
}

func ExampleSample_BrierSkill() {
	s := quarter()
	brier, _ := s.Brier()
	skill, _ := s.BrierSkill()
	loss, _ := s.LogLoss()
	fmt.Printf("Brier %.3f against %.3f of the base rate: skill %.2f; log loss %.3f\n", brier, s.BrierOfBaseRate(), skill, loss)
	// Output:
	// Brier 0.129 against 0.188 of the base rate: skill 0.31; log loss 0.403
}

// Are the probabilities right on the whole, and are they too extreme?
func ExampleSample_Calibrate() {
	s := quarter()
	ratio, _ := s.ObservedExpected()
	c, err := s.Calibrate()
	if err != nil {
		fmt.Println(err)
		return
	}
	shift, _, _ := s.Shift()
	fmt.Printf("observed over expected %.2f, slope %.2f (SE %.2f), shift %.2f\n", ratio, c.Slope, c.SlopeSE, shift)
	// Output:
	// observed over expected 1.19, slope 1.44 (SE 0.70), shift 0.28
}

func ExampleSample_ByCount() {
	r, err := quarter().ByCount(4)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range r.Bins {
		fmt.Printf("%g partners, %.0f %% said, %.0f %% seen\n", b.N, 100*b.MeanScore, 100*b.ObservedRate)
	}
	// Output:
	// 5 partners, 4 % said, 0 % seen
	// 5 partners, 9 % said, 20 % seen
	// 5 partners, 23 % said, 20 % seen
	// 5 partners, 48 % said, 60 % seen
}

// A points score that is no probability becomes one.
func ExampleSample_Platt() {
	s, err := evaluate.New([]float64{0, 0, 0, 1, 0, 1, 1, 0, 1, 1}, []float64{3, 8, 10, 14, 15, 20, 22, 24, 30, 31}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := s.Platt()
	if err != nil {
		fmt.Println(err)
		return
	}
	f := s.Isotonic()
	fmt.Printf("25 points: %.2f by the sigmoid, %.2f by isotonic regression\n", g.At(25), f.At(25))
	// Output:
	// 25 points: 0.71 by the sigmoid, 0.72 by isotonic regression
}

// Rows of one partner stay together: three partners with two months each are drawn as three, not as six.
func ExampleBootstrap() {
	partner := []int{0, 0, 1, 1, 2, 2}
	revenue := []float64{10, 12, 30, 28, 20, 22}
	mean := func(weight, values []float64) {
		sum, n := 0.0, 0.0
		for i, w := range weight {
			sum += w * revenue[i]
			n += w
		}
		values[0] = sum / n
	}
	intervals, ok, err := evaluate.Bootstrap(partner, 1, 500, 0.9, rand.New(rand.NewPCG(1, 2)), mean)
	if err != nil || !ok[0] {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean revenue between %.0f and %.0f\n", intervals[0].Low, intervals[0].High)
	// Output:
	// mean revenue between 14 and 26
}

// Two of three deals won: what is the win rate?
func ExampleWilson() {
	low, high, err := evaluate.Wilson(2, 3, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("between %.0f and %.0f %%\n", 100*low, 100*high)
	// Output:
	// between 21 and 94 %
}

func ExampleQuantile() {
	fmt.Println(evaluate.Quantile(0.25, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}))
	// Output:
	// 3.25
}

// Have the partners changed since the model was trained, or is it chance?
func ExampleNumericStability() {
	training := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	tonight := []float64{2, 4, 6, 8, 10, 12, 13, 14}
	s, err := evaluate.NumericStability(training, tonight, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("PSI %.2f, chance alone stays below %.2f\n", s.PSI, s.Limit95)
	// Output:
	// PSI 0.35, chance alone stays below 1.63
}

func ExampleCountStability() {
	s, err := evaluate.CountStability([]int{60, 30, 10}, []int{50, 30, 20}) // silver, gold, platinum
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("PSI %.3f, chance alone stays below %.3f\n", s.PSI, s.Limit95)
	// Output:
	// PSI 0.088, chance alone stays below 0.120
}
