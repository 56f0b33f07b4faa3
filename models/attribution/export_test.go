package attribution

// Steps returns the probabilities of the steps of a chain of order 1 by `from` and `to`, "" being the start, and of the
// conversion from each of them. Repeats in a row count once.
func Steps(paths []Path) (steps map[[2]string]float64, conversion map[string]float64) {
	g := newTransitions(paths, 1)
	steps, conversion = map[[2]string]float64{}, map[string]float64{}
	for i, from := range g.last {
		for j, count := range g.count[i] {
			steps[[2]string{from, g.last[j]}] = count / g.total[i]
		}
		conversion[from] = g.won[i] / g.total[i]
	}
	return steps, conversion
}
