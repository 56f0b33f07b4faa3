// Package evaluate measures how good predicted probabilities are: discrimination (AUC, average precision, lift),
// accuracy (Brier score with its parts, log loss) and calibration (slope, intercept, observed to expected, reliability bins), each defined
// with ties and frequency weights; recalibrates by Platt's sigmoid, isotonic regression, or a line on the log-odds whose
// slope is drawn to 1; gives intervals by DeLong, Wilson, or a bootstrap that keeps clusters together; and says how far a
// distribution has drifted (population stability index).
//
// References: Hanley and McNeil, Radiology 143 (1982) on the AUC; DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988);
// Brier, Monthly Weather Review 78 (1950); Murphy 1973 and Dimitriadis, Gneiting and Jordan 2021 on its parts; Cox, Biometrika 45 (1958) on the calibration slope; Platt 1999; Niculescu-Mizil
// and Caruana 2005 on isotonic calibration; Efron and Tibshirani 1993 on the bootstrap; Wilson, JASA 22 (1927); Yurdakul,
// Statistical properties of population stability index, 2018.
//
// A measure that the data cannot give (one class only, no spread) is an error, never a NaN.
package evaluate
