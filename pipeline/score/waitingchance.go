package score

import (
	"math"

	"github.com/partnerhealth/partnerhealth/models/survival"
)

// exitLimit is the upper 97.5 % limit of a Poisson count of which none was seen.
const exitLimit = 3.6888794541139363

// chance is that of first revenue within some days while partners also leave, with what its error is made of.
type chance struct {
	value float64
	// bySale is its change for one unit of the log of the hazard to sell.
	bySale float64
	// exitVariance is what the exits' hazard leaves open, by the delta method; unseenExits by how much the chance falls where
	// no exit was seen in those days and as many come as may have been missed.
	exitVariance, unseenExits float64
}

// chanceStep is a day on which partners sold.
type chanceStep struct{ day, unsold, chance float64 }

// chance sums over the days on which partners sold: still here and unsold the day before, times the hazard of the day.
func (m *coxModel) chance(x []float64, from, to float64) chance {
	ratio := math.Exp(m.cox.LinearPredictor(x))
	stay := m.exits.At(from).Survival
	if stay == 0 {
		return chance{}
	}
	before := 0.0 // cumulative hazard of the average partner
	start, c := math.NaN(), chance{}
	var steps []chanceStep
	for _, step := range m.cox.Baseline {
		if step.Time > to {
			break
		}
		if step.Time > from {
			if math.IsNaN(start) {
				start = before
			}
			here := m.exits.At(math.Nextafter(step.Time, 0)).Survival / stay
			h, next := ratio*(before-start), ratio*(step.Hazard-start)
			unsold := math.Exp(-h) * -math.Expm1(-ratio*(step.Hazard-before))
			c.value += here * unsold
			c.bySale += here * (next*math.Exp(-next) - h*math.Exp(-h))
			steps = append(steps, chanceStep{step.Time, unsold, here * unsold})
		}
		before = step.Hazard
	}
	c.leave(m.exits.Points, steps, from, to)
	return c
}

// leave tells how far the chance would move if partners left more or less often than was seen: whoever leaves on a day
// loses the chance of the days after it. The hazard d/n of an exit day has the variance d (n-d)/n^3.
func (c *chance) leave(exits []survival.Point, steps []chanceStep, from, to float64) {
	after, next, days := c.value, 0, 0.0
	seen, last := 0, from
	for _, e := range exits {
		if e.Time <= from {
			continue
		}
		days += float64(e.AtRisk) * (math.Min(e.Time, to) - last)
		if last = math.Min(e.Time, to); e.Time > to {
			break
		}
		for ; next < len(steps) && steps[next].day <= e.Time; next++ {
			after -= steps[next].chance
		}
		seen += e.Events
		if d, n := float64(e.Events), float64(e.AtRisk); d < n {
			c.exitVariance += after * after * d / (n * (n - d))
		}
	}
	if seen > 0 || days == 0 {
		return
	}
	for _, s := range steps {
		c.unseenExits += s.unsold * -math.Expm1(-exitLimit/days*(s.day-from))
	}
}

// interval returns the 95 % limits on the log-log scale, given the standard error of the log of the hazard to sell.
func (c chance) interval(saleError float64) (low, high float64) {
	if !(c.value > 0 && c.value < 1) {
		return c.value, c.value
	}
	hazard := -math.Log1p(-c.value)
	scale := 1 / ((1 - c.value) * hazard) // change of the log of it for one unit of the chance
	reach := normal95 * scale * math.Sqrt(c.bySale*c.bySale*saleError*saleError+c.exitVariance)
	down := reach
	if c.unseenExits > 0 {
		worst := -math.Log1p(-math.Max(0, c.value-c.unseenExits))
		down = math.Hypot(reach, math.Log(hazard/worst))
	}
	at := math.Log(hazard)
	return -math.Expm1(-math.Exp(at - down)), -math.Expm1(-math.Exp(at + reach))
}
