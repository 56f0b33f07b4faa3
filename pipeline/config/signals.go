package config

// stages are the lifecycle stages that have a health profile, in the order in which a partner passes them (M44).
func stages() []string { return []string{"onboard", "enable", "sell", "grow"} }

// signal is one part of the health score with its default weight in each stage.
type signal struct {
	name string
	// activity marks what a partner does rather than achieves; such signals may weigh at most maxActivityWeight
	// where a partner is expected to sell.
	activity bool
	// lessIsBetter marks signals whose points rise as the value falls.
	lessIsBetter bool
	// weights are those of onboard, enable, sell and grow.
	weights [4]int
}

// maxActivityWeight is the most that activity signals may weigh together in the stages sell and grow:
// logins are not outcomes.
const maxActivityWeight = 30

// signals returns the signals of the health score (M38), in the order in which they are reported.
func signals() []signal {
	return []signal{
		{name: "onboarding_tasks_done", weights: [4]int{35, 10, 0, 0}},
		{name: "certification_coverage", weights: [4]int{10, 25, 10, 5}},
		{name: "courses_per_person", activity: true, weights: [4]int{15, 15, 5, 0}},
		{name: "people_active", activity: true, weights: [4]int{20, 20, 10, 10}},
		{name: "content_events", activity: true, weights: [4]int{0, 10, 5, 0}},
		{name: "commercial_silence", lessIsBetter: true, weights: [4]int{0, 0, 20, 20}},
		{name: "registrations_trend", weights: [4]int{0, 10, 15, 5}},
		{name: "pipeline_trend", weights: [4]int{0, 0, 15, 10}},
		{name: "revenue_trend", weights: [4]int{0, 0, 5, 20}},
		{name: "win_rate", weights: [4]int{0, 0, 5, 5}},
		{name: "nrr", weights: [4]int{0, 0, 0, 10}},
		{name: "meetings_held", activity: true, weights: [4]int{20, 10, 5, 5}},
		{name: "psat", weights: [4]int{0, 0, 5, 10}},
	}
}

func signalNames() []string {
	var names []string
	for _, s := range signals() {
		names = append(names, s.name)
	}
	return names
}

func defaultWeights() map[string]map[string]int {
	out := make(map[string]map[string]int)
	for i, stage := range stages() {
		out[stage] = make(map[string]int)
		for _, s := range signals() {
			if w := s.weights[i]; w != 0 {
				out[stage][s.name] = w
			}
		}
	}
	return out
}
