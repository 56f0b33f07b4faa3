package attribution

import (
	"cmp"
	"math"
	"slices"
)

// Apportion divides a whole amount, for example in cents and of either sign, by shares that sum to 1, so that the parts
// sum to the amount: each part is rounded toward 0, and what is left goes, a unit each, to the largest remainders, of
// equal ones to the lowest position. Remainders that differ by less than a billionth of a unit are equal, since shares
// such as 1/3 are rounded themselves. It returns an *InputError for shares that are negative or do not sum to 1, and
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
	for i, s := range shares {
		exact := s / sum * float64(amount)
		// A part that misses a whole unit by rounding alone is that unit.
		whole := math.Floor(exact + same)
		parts[i], rest[i], order[i] = int64(whole), math.Round((exact-whole)/same)*same, i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for k := 0; left != 0; k = (k + 1) % len(order) {
		step := int64(1)
		at := order[k]
		if left < 0 {
			step, at = -1, order[len(order)-1-k]
		}
		parts[at] += step
		left -= step
	}
	for i := range parts {
		parts[i] *= sign
	}
	return parts, nil
}
