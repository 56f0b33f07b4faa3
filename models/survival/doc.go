// Package survival estimates how long things take when not all of them have happened yet: the Kaplan-Meier curve with
// its quantiles and restricted mean, the log-rank test, Aalen-Johansen cumulative incidence when something else can
// happen first, and Cox's proportional hazards model for how it depends on other columns.
//
// Conventions, everywhere: an event precedes a censoring at the same time; time 0 counts; a row is at risk at t when
// entry < t <= time (t <= time without delayed entry); a quantile is the smallest t with S(t) <= 1-q, where R would
// return the midpoint of a stretch with S exactly 1-q.
//
// References: Kaplan and Meier, JASA 53 (1958); Greenwood 1926; Aalen and Johansen, Scandinavian Journal of Statistics
// 5 (1978); Cox, JRSS B 34 (1972); Efron, JASA 72 (1977); Grambsch and Therneau, Biometrika 81 (1994); Harrell et al.,
// JAMA 247 (1982); Therneau's R package survival for the intervals.
package survival
