package attribution

import (
	"cmp"
	"math"
	"math/big"
	"slices"
)

// Apportion divides a whole amount, for example in cents and of either sign, by shares that sum to 1, so that the parts
// sum to the amount: each part is rounded toward 0, and what is left goes, a unit each, to the largest remainders, of
// equal ones to the lowest position. Remainders are compared to a billionth of a unit, since shares such as 1/3 are
// rounded themselves. Every part is less than a unit beside its share of the amount, that of a share of 0 is 0. It returns an *InputError for shares that are negative or do not sum to 1, and
// for amounts beyond 2^53, which a share cannot divide exactly.
func Apportion(amount int64, shares []float64) ([]int64, error) {
	const largest = 1 << 53
	if amount > largest || amount < -largest {
		return nil, &InputError{-1, "the amount is too large to divide exactly"}
	}
	sum := 0.0
	for _, s := range shares {
		if !(s >= 0) {
			return nil, &InputError{-1, "a share is negative or not a number"}
		}
		sum += s
	}
	if math.Abs(sum-1) > 1e-9 {
		return nil, &InputError{-1, "the shares do not sum to 1"}
	}
	sign := int64(1)
	if amount < 0 {
		sign, amount = -1, -amount
	}
	const same = 1e-9
	parts, order := make([]int64, len(shares)), make([]int, len(shares))
	rest, left := make([]float64, len(shares)), amount
	// In a float64 the parts of large amounts miss whole units, which then go to those that have no share.
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(128).SetFloat64(v) }
	total, all, slack := number(0), number(float64(amount)), number(same)
	for _, s := range shares {
		total.Add(total, number(s))
	}
	for i, s := range shares {
		exact := number(s)
		exact.Mul(exact, all).Quo(exact, total)
		// A part that misses a whole unit by rounding alone is that unit.
		parts[i], _ = number(0).Add(exact, slack).Int64()
		rest[i], _ = exact.Sub(exact, number(float64(parts[i]))).Float64()
		rest[i], order[i] = math.Round(rest[i]/same)*same, i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:left] { // the remainders sum to it, and each is below 1
		parts[i]++
	}
	for i := range parts {
		parts[i] *= sign
	}
	return parts, nil
}
