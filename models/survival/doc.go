// Package survival estimates how long things take when not all of them have happened yet: the Kaplan-Meier curve with
// its quantiles and restricted mean, the log-rank test, Aalen-Johansen cumulative incidence when something else can
// happen first, and Cox's proportional hazards model for how it depends on other columns, with what it forecasts for one
// row and how sure that is. PersonPeriods makes of spells the rows of a hazard model in months, which Grouped or
// models/logistic fits.
//
// Times are in any unit, the same for all rows: what is returned as a time has that unit, a hazard is a number of events
// and has none. What does not exist is told by a false value beside it, never by NaN; methods that take an index or a row
// of columns of their model panic on one of another size, as slices do.
//
// Conventions, everywhere: an event precedes a censoring at the same time; time 0 counts; a row is at risk at t when
// entry < t <= time (t <= time without delayed entry); a quantile is the smallest t with S(t) <= 1-q, where R would
// return the midpoint of a stretch with S exactly 1-q.
//
// References: Kaplan and Meier, JASA 53 (1958); Greenwood 1926; Aalen and Johansen, Scandinavian Journal of Statistics
// 5 (1978); Cox, JRSS B 34 (1972); Efron, JASA 72 (1977); Grambsch and Therneau, Biometrika 81 (1994); Harrell et al.,
// JAMA 247 (1982); Tsiatis, Annals of Statistics 9 (1981), and Therneau and Grambsch, Modeling Survival Data, 2000, for
// the variance of forecasts; Brookmeyer and Crowley, Biometrics 38 (1982), for the intervals of quantiles; Singer and
// Willett, Applied Longitudinal Data Analysis, 2003, for person-periods.
package survival
