// Package evaluate measures how good predicted probabilities are: discrimination (AUC, average precision, lift),
// accuracy (Brier score, log loss) and calibration (slope, intercept, observed to expected, reliability bins), each defined
// with ties and frequency weights; recalibrates by Platt's sigmoid or isotonic regression; intervals by DeLong, Wilson, or a bootstrap that keeps clusters together; and how far a distribution
// has drifted (population stability index).
//
// A measure that the data cannot give (one class only, no spread) is an error, never a NaN.
package evaluate
