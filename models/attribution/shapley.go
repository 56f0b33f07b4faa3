package attribution

import (
	"fmt"
	"math"
	"math/bits"
)

// MaxPlayers is how many players the exact Shapley value takes: it looks at all 2^n coalitions.
const MaxPlayers = 12

// TooManyPlayersError says that a game has more than MaxPlayers players.
type TooManyPlayersError struct{ Players int }

func (e *TooManyPlayersError) Error() string {
	return fmt.Sprintf("%d players are too many for the exact Shapley value, which takes %d: group them, for example by partner type", e.Players, MaxPlayers)
}

// Shapley returns the Shapley value of each of n players in the game v, whose argument has bit i set where player i is
// in the coalition:
//
//	phi_i = sum over S without i of |S|! (n-|S|-1)! / n! * (v(S+i) - v(S)) .
//
// The values sum to v(all) - v(none) and may be negative. It returns a *TooManyPlayersError, and an *InputError where v
// is no number.
func Shapley(n int, v func(coalition uint) float64) ([]float64, error) {
	if n > MaxPlayers || n < 0 {
		return nil, &TooManyPlayersError{n}
	}
	worth := make([]float64, 1<<n)
	for s := range worth {
		worth[s] = v(uint(s))
		if math.IsNaN(worth[s]) || math.IsInf(worth[s], 0) {
			return nil, &InputError{-1, fmt.Sprintf("the worth of coalition %b is not a finite number", s)}
		}
	}
	// weight[k] = k! (n-k-1)! / n! = 1 / (n * C(n-1, k))
	weight, choose := make([]float64, n), 1.0
	for k := range n {
		weight[k] = 1 / (float64(n) * choose)
		choose = choose * float64(n-1-k) / float64(k+1)
	}
	phi := make([]float64, n)
	for s := range worth {
		k := bits.OnesCount(uint(s))
		for i := range n {
			if s&(1<<i) == 0 {
				phi[i] += weight[k] * (worth[s|1<<i] - worth[s])
			}
		}
	}
	return phi, nil
}

// Uplift is the Shapley value of the conversion rate.
type Uplift struct {
	// Credits divide all conversions and value in proportion to Phi, sorted by channel; they may be negative.
	Credits []Credit
	// Phi has the value of each of them: what it adds to the rate. They sum to Rate, the rate of all journeys.
	Phi  []float64
	Rate float64
}

// ShapleyRate is the Shapley value of the game v(S) = conversions / journeys among those that touch nothing outside of
// S, 0 where there are none. It returns a *TooManyPlayersError beyond MaxPlayers channels, an *InputError, and
// ErrNoConversions where nothing converted.
func ShapleyRate(paths []Path) (*Uplift, error) {
	if err := check(paths); err != nil {
		return nil, err
	}
	names, at := channelsOf(paths)
	n := len(names)
	if n > MaxPlayers {
		return nil, &TooManyPlayersError{n}
	}
	won, all := make([]float64, 1<<n), make([]float64, 1<<n)
	for i := range paths {
		set := 0
		for _, c := range paths[i].Channels {
			set |= 1 << at[c]
		}
		won[set] += paths[i].Won
		all[set] += paths[i].Won + paths[i].Lost
	}
	// Sums over all subsets, one channel at a time.
	for i := range n {
		for s := range won {
			if s&(1<<i) != 0 {
				won[s] += won[s&^(1<<i)]
				all[s] += all[s&^(1<<i)]
			}
		}
	}
	rate := func(s uint) float64 {
		if all[s] == 0 {
			return 0
		}
		return won[s] / all[s]
	}
	u := &Uplift{Rate: rate(1<<n - 1)}
	if u.Rate == 0 {
		return nil, ErrNoConversions
	}
	var err error
	if u.Phi, err = Shapley(n, rate); err != nil {
		return nil, err
	}
	shares := make([]float64, n)
	for i, phi := range u.Phi {
		shares[i] = phi / u.Rate
	}
	conversions, value := totals(paths)
	u.Credits = byShare(names, shares, conversions, value)
	return u, nil
}
