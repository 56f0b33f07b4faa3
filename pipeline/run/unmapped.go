package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
)

// mostUnmapped is how many texts of a column a warning lists.
const mostUnmapped = 5

// tellUnmapped warns of words that neither the mapping nor a closed list knows, a column at a time. Their rows are loaded,
// with unknown or other in the place of the word, which a person should know before trusting what is counted by it.
func (n *night) tellUnmapped(d *delivery, results []ingest.Result) {
	columns := map[string]map[string]int64{}
	for i := range results {
		for column, texts := range results[i].UnmappedValues {
			if columns[column] == nil {
				columns[column] = map[string]int64{}
			}
			for text, count := range texts {
				columns[column][text] += count
			}
		}
	}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		n.warn("%s: the mapping does not know %s of %s: %s; say in its map, or in the parameter that fills the map, what they mean",
			d.name(), plural(int64(len(columns[column])), "word", "words"), column, listUnmapped(columns[column]))
	}
}

// listUnmapped lists texts with how often they occur, the most frequent first.
func listUnmapped(texts map[string]int64) string {
	order := slices.SortedFunc(maps.Keys(texts), func(a, b string) int {
		return cmp.Or(cmp.Compare(texts[b], texts[a]), strings.Compare(a, b))
	})
	var out []string
	for i, text := range order {
		if i == mostUnmapped {
			out = append(out, fmt.Sprintf("and %d more", len(order)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s (%d)", strconv.Quote(text), texts[text]))
	}
	return strings.Join(out, ", ")
}
