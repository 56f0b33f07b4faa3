package config

import "strings"

const didYouMean = "did you mean "

// suggest returns "did you mean x?" for the known word nearest to word, or "" when none is near:
// one edit for every three letters, at least one.
func suggest(word string, known []string) string {
	best, most := "", max(1, len([]rune(word))/3)
	for _, k := range known {
		cost := editDistance(strings.ToLower(word), strings.ToLower(k))
		if cost < most || cost == most && best == "" {
			best, most = k, cost
		}
	}
	if best == "" {
		return ""
	}
	return didYouMean + best + "?"
}

// editDistance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			differ := 1
			if s[i-1] == t[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
