package attribution

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// ErrNoConversions says that nothing converted, so that there is nothing to divide.
var ErrNoConversions = errors.New("nothing converted")

const (
	// MaxOrder is the longest memory of a chain.
	MaxOrder = 3
	// MaxStates is how many states a chain may have: its matrix is inverted whole.
	MaxStates = 2000
)

// TooManyStatesError says that the paths make a chain of more than MaxStates states.
type TooManyStatesError struct{ States, Order int }

func (e *TooManyStatesError) Error() string {
	return fmt.Sprintf("a chain of order %d over these paths has %d states, more than %d: lower the order, or group the channels", e.Order, e.States, MaxStates)
}

// Chain is what a Markov chain says of the channels.
type Chain struct {
	// Credits divide all conversions and value in proportion to Effects, sorted by channel.
	Credits []Credit
	// Effects are the removal effects: the share of the conversions that is lost where every transition into the channel
	// ends the journey instead.
	Effects []float64
	// Conversion is the probability that a journey converts.
	Conversion float64
	States     int
}

// Markov fits a chain whose state is the last `order` different touches, 1 to MaxOrder; repeats in a row count once,
// which changes nothing at order 1. With N = (I-Q)^-1, h the probability of conversion from each state, s the start and
// S the states that end in channel c, the removal effect is
//
//	sum over j in S of f_j h_j / h_s ,  f N_SS = N_sS ,
//
// where f_j is the probability that S is met first in state j; at order 1 that is N_sj/N_jj * h_j/h_s. One
// factorisation serves all channels. It returns ErrNoConversions, a *TooManyStatesError and an *InputError. Without
// journeys that did not convert, the effect is the probability that a walk through the chain visits the channel. That is
// the share of journeys that do where no walk comes back to it; where one can it may be more or less.
func Markov(paths []Path, order int) (*Chain, error) {
	if order < 1 || order > MaxOrder {
		return nil, &InputError{-1, fmt.Sprintf("the order is %d, not 1 to %d", order, MaxOrder)}
	}
	if err := check(paths); err != nil {
		return nil, err
	}
	won, value := totals(paths)
	if won == 0 {
		return nil, ErrNoConversions
	}
	g := newTransitions(paths, order)
	if len(g.states) > MaxStates {
		return nil, &TooManyStatesError{len(g.states), order}
	}
	inverse, conversion, err := g.fundamental()
	if err != nil {
		return nil, err
	}
	names, at := channelsOf(paths)
	c := &Chain{Conversion: conversion.AtVec(0), States: len(g.states), Effects: make([]float64, len(names))}
	if !(c.Conversion > 0) { // too rare for a float64
		return nil, ErrNoConversions
	}
	members := make([][]int, len(names))
	for i, channel := range g.last {
		if i > 0 {
			members[at[channel]] = append(members[at[channel]], i)
		}
	}
	sum := 0.0
	for i, states := range members {
		if c.Effects[i], err = removal(inverse, conversion, states); err != nil {
			return nil, fmt.Errorf("remove %s: %w", names[i], err)
		}
		sum += c.Effects[i]
	}
	if !(sum > 0) {
		return nil, ErrNoConversions
	}
	shares := make([]float64, len(names))
	for i := range shares {
		shares[i] = c.Effects[i] / sum
	}
	c.Credits = byShare(names, shares, won, value)
	return c, nil
}

// transitions counts the steps between the states of a chain; state 0 is the start.
type transitions struct {
	states map[string]int
	last   []string // the channel in which a state ends
	count  []map[int]float64
	won    []float64 // journeys that convert from the state
	total  []float64
}

func newTransitions(paths []Path, order int) *transitions {
	g := &transitions{states: map[string]int{}}
	g.state(nil)
	for i := range paths {
		p := &paths[i]
		n := p.Won + p.Lost
		if n == 0 {
			continue
		}
		from, touches := 0, slices.Compact(slices.Clone(p.Channels))
		for k := range touches {
			to := g.state(touches[max(0, k+1-order) : k+1])
			g.count[from][to] += n
			g.total[from] += n
			from = to
		}
		g.won[from] += p.Won
		g.total[from] += n
	}
	return g
}

// state returns the number of the state of these last touches.
func (g *transitions) state(touches []string) int {
	// Lengths before the names, so that no names of channels run together.
	var key strings.Builder
	for _, c := range touches {
		fmt.Fprintf(&key, "%d:%s", len(c), c)
	}
	i, ok := g.states[key.String()]
	if !ok {
		i = len(g.states)
		g.states[key.String()] = i
		name := ""
		if len(touches) > 0 {
			name = touches[len(touches)-1]
		}
		g.last, g.count = append(g.last, name), append(g.count, map[int]float64{})
		g.won, g.total = append(g.won, 0), append(g.total, 0)
	}
	return i
}

// fundamental returns (I-Q)^-1 and the probability of conversion from every state. The matrix is regular, since every
// state that is met leads to an end.
func (g *transitions) fundamental() (*mat.Dense, *mat.VecDense, error) {
	n := len(g.states)
	a, unit, end := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil), mat.NewVecDense(n, nil)
	for i := range n {
		a.Set(i, i, 1)
		unit.Set(i, i, 1)
		for j, count := range g.count[i] {
			a.Set(i, j, a.At(i, j)-count/g.total[i])
		}
		end.SetVec(i, g.won[i]/g.total[i])
	}
	var lu mat.LU
	lu.Factorize(a)
	inverse, conversion := new(mat.Dense), new(mat.VecDense)
	if err := lu.SolveTo(inverse, false, unit); err != nil {
		return nil, nil, fmt.Errorf("invert the chain: %w", err)
	}
	conversion.MulVec(inverse, end)
	return inverse, conversion, nil
}

// removal returns the removal effect of the channel whose states are given.
func removal(inverse *mat.Dense, conversion *mat.VecDense, states []int) (float64, error) {
	m := len(states)
	if m == 0 {
		return 0, nil
	}
	among, from := mat.NewDense(m, m, nil), mat.NewVecDense(m, nil)
	for r, i := range states {
		from.SetVec(r, inverse.At(0, i))
		for c, j := range states {
			among.Set(r, c, inverse.At(i, j))
		}
	}
	var lu mat.LU
	lu.Factorize(among)
	var first mat.VecDense
	if err := lu.SolveVecTo(&first, true, from); err != nil {
		return 0, err
	}
	lost := 0.0
	for r, i := range states {
		lost += first.AtVec(r) * conversion.AtVec(i)
	}
	return lost / conversion.AtVec(0), nil
}
