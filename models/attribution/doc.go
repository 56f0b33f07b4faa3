// Package attribution divides the conversions and the value of journeys among the channels, here partners, that they
// touched.
//
// A rule looks at one journey: first, last, linear by touch or by channel, position, milestones (W and full path),
// time decay. A model looks at all of them: the Shapley value of the conversion rate, and the removal effects of a
// Markov chain of order 1 to 3. Whatever divides, the parts add up to the whole; money is apportioned in whole units
// by largest remainder.
//
// References: Shapley, A value for n-person games (1953); Zhao, Mahboobi and Bagheri, Shapley value methods for
// attribution modeling (2018) for the simplified form; Anderl, Becker, von Wangenheim and Schumann, Mapping the customer
// journey (2016) for Markov chains and removal effects; Kemeny and Snell, Finite Markov Chains (1960) for the
// fundamental matrix.
package attribution
