package linear_test

import (
	"errors"
	"fmt"

	"github.com/partnerhealth/partnerhealth/models/linear"
)

// What will a partner with six certified people bring, and how sure is that?
func ExampleModel_Predict() {
	m, err := linear.Fit(linear.Data{X: []float64{1, 2, 3, 4, 5}, Y: []float64{21, 42, 55, 61, 88}, Columns: []string{"certified"}}, linear.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	at, err := m.Predict([]float64{6})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f on average (%.0f to %.0f), a single partner %.0f to %.0f\n", at.Mean, at.MeanLow, at.MeanHigh, at.Low, at.High)
	// Output:
	// 99 on average (80 to 118), a single partner 73 to 125
}

// Columns that repeat each other are refused, not guessed at.
func ExampleCollinearError() {
	_, err := linear.Fit(linear.Data{X: []float64{1, 2, 2, 4, 3, 6, 5, 10}, Y: []float64{1, 2, 3, 4}, Columns: []string{"deals", "deals_twice"}}, linear.Options{})
	var collinear *linear.CollinearError
	if errors.As(err, &collinear) {
		fmt.Println("not determined:", collinear.Column)
	}
	// Output:
	// not determined: deals_twice
}
