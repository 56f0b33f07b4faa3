package affinity_test

import (
	"fmt"

	"github.com/partnerhealth/partnerhealth/models/affinity"
)

// Of four tested pairs, which are still news at a false discovery rate of 5 %?
func ExampleBenjaminiHochberg() {
	for i, q := range affinity.BenjaminiHochberg([]float64{0.001, 0.02, 0.04, 0.6}) {
		fmt.Printf("pair %d: q = %.3f, reported: %v\n", i, q, q <= 0.05)
	}
	// Output:
	// pair 0: q = 0.004, reported: true
	// pair 1: q = 0.040, reported: true
	// pair 2: q = 0.053, reported: false
	// pair 3: q = 0.600, reported: false
}
