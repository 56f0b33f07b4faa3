package affinity_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/affinity"
	"github.com/partnerhealth/partnerhealth/models/internal/reference"
)

// baskets are the distinct items of each transaction.
type baskets []map[string]bool

// readBaskets reads the long form, a transaction and an item per row.
func readBaskets(c *reference.Case, file string) baskets {
	tab := c.Table(file)
	item := tab.Text("item")
	index := map[string]int{}
	var out baskets
	for i, id := range tab.Text("transaction_id") {
		k, seen := index[id]
		if !seen {
			k = len(out)
			index[id], out = k, append(out, map[string]bool{})
		}
		out[k][item[i]] = true
	}
	return out
}

// count returns the number of baskets that hold all of the items.
func (b baskets) count(items ...string) int64 {
	n := int64(0)
	for _, basket := range b {
		if !slices.ContainsFunc(items, func(s string) bool { return !basket[s] }) {
			n++
		}
	}
	return n
}

// counts returns those of the rule `from -> to`; a set of items counts like one item.
func (b baskets) counts(from []string, to string) affinity.Counts {
	return affinity.Counts{Both: b.count(append([]string{to}, from...)...), A: b.count(from...), B: b.count(to), N: int64(len(b))}
}

// rule is what a reference case expects of `antecedent -> consequent`.
type rule struct {
	Antecedent []string `json:"antecedent"`
	Consequent string   `json:"consequent"`
	Count      int64    `json:"count"`
	Support    float64  `json:"support"`
	Coverage   float64  `json:"coverage"`
	Confidence float64  `json:"confidence"`
	Lift       float64  `json:"lift"`
	Leverage   float64  `json:"leverage"`
	Conviction *float64 `json:"conviction"`
	Jaccard    float64  `json:"jaccard"`
	Chi2       *float64 `json:"chi2"`
	P          float64  `json:"fisher_p"`
}

func (r *rule) String() string {
	return fmt.Sprintf("%v -> %s", slices.Sorted(slices.Values(r.Antecedent)), r.Consequent)
}

func (r *rule) compare(t *testing.T, c *reference.Case, b baskets) {
	t.Helper()
	at := func(what string) string { return r.String() + ": " + what }
	counts := b.counts(r.Antecedent, r.Consequent)
	p, err := affinity.Measure(counts)
	if err != nil || counts.Both != r.Count {
		t.Fatalf("%s: counts %+v, want %d; %v", at("measure"), counts, r.Count, err)
	}
	c.Close(at("support"), p.Support, r.Support)
	c.Close(at("coverage"), p.Support/p.ConfidenceAB, r.Coverage)
	c.Close(at("confidence"), p.ConfidenceAB, r.Confidence)
	c.Close(at("lift"), p.Lift, r.Lift)
	c.Close(at("leverage"), p.Leverage, r.Leverage)
	c.Close(at("jaccard"), p.Jaccard, r.Jaccard)
	c.Close(at("fisher p"), p.P, r.P)
	for what, pair := range map[string][2]*float64{"conviction": {p.ConvictionAB, r.Conviction}, "chi-squared": {p.ChiSquared, r.Chi2}} {
		got, want := pair[0], pair[1]
		switch {
		case (got == nil) != (want == nil):
			t.Errorf("%s exists: %v, want %v", at(what), got != nil, want != nil)
		case got != nil:
			c.Close(at(what), *got, *want)
		}
	}
}

func checkRules(t *testing.T, c *reference.Case, b baskets) {
	t.Helper()
	var n, count float64
	var rules []rule
	c.Field("n_transactions", &n)
	c.Field("n_rules", &count)
	c.Field("rules", &rules)
	if float64(len(b)) != n || float64(len(rules)) != count || count == 0 {
		t.Fatalf("%d baskets, want %v; %d rules, want %v", len(b), n, len(rules), count)
	}
	listed := map[string]bool{}
	for i := range rules {
		rules[i].compare(t, c, b)
		listed[rules[i].String()] = true
	}
	if found := checkItems(c, b); !maps.Equal(found, listed) {
		t.Errorf("%d rules are found, %d are listed: %v, want %v", len(found), len(listed), found, listed)
	}
}

// checkItems compares the items and how many sets of up to three of them are frequent, and returns the rules that those
// sets make.
func checkItems(c *reference.Case, b baskets) map[string]bool {
	var items, frequent, support, confidence float64
	var counts map[string]float64
	c.Field("n_items", &items)
	c.Field("item_counts", &counts)
	c.Field("n_frequent_itemsets_up_to_3", &frequent)
	c.Field("min_support", &support)
	c.Field("min_confidence", &confidence)
	all := map[string]bool{}
	for _, basket := range b {
		maps.Copy(all, basket)
	}
	c.Close("items", float64(len(all)), items)
	for item, want := range counts {
		c.Close("baskets with "+item, float64(b.count(item)), want)
	}
	sets := frequentSets(b, slices.Sorted(maps.Keys(all)), support)
	c.Close("frequent sets", float64(len(sets)), frequent)
	found := map[string]bool{}
	for _, set := range sets {
		for k, to := range set {
			from := slices.Delete(slices.Clone(set), k, k+1)
			if len(from) == 0 {
				continue
			}
			if p, err := affinity.Measure(b.counts(from, to)); err == nil && p.ConfidenceAB >= confidence {
				found[(&rule{Antecedent: from, Consequent: to}).String()] = true
			}
		}
	}
	return found
}

// frequentSets returns the sets of one to three items that are in at least that share of the baskets: what holds a set
// that is not frequent is not either.
func frequentSets(b baskets, items []string, support float64) [][]string {
	within := func(b baskets, item string) (out baskets) {
		for _, basket := range b {
			if basket[item] {
				out = append(out, basket)
			}
		}
		return out
	}
	least := support*float64(len(b)) - 1e-9
	var sets [][]string
	var grow func(b baskets, items, set []string)
	grow = func(b baskets, items, set []string) {
		for i, item := range items {
			rest := within(b, item)
			if float64(len(rest)) < least {
				continue
			}
			larger := append(slices.Clone(set), item)
			sets = append(sets, larger)
			if len(larger) < 3 {
				grow(rest, items[i+1:], larger)
			}
		}
	}
	grow(b, items, nil)
	return sets
}

func TestReference(t *testing.T) {
	long := func(t *testing.T, c *reference.Case) { checkRules(t, c, readBaskets(c, c.Name+".csv")) }
	reference.Test(t, "affinity", map[string]func(*testing.T, *reference.Case){
		"07_market_basket/groceries":            checkGroceries,
		"07_market_basket/partner_products_400": long,
		"07_market_basket/textbook_5":           long,
	})
}

func checkGroceries(t *testing.T, c *reference.Case) {
	var file string
	c.Field("items", &file)
	tab := c.Table(file)
	names := map[string]string{}
	ids, items := tab.Text("item_id"), tab.Text("item")
	for i := range ids {
		names[ids[i]] = items[i]
	}
	raw, err := os.ReadFile(c.File("groceries_ids.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var b baskets
	for line := range strings.Lines(string(raw)) {
		basket := map[string]bool{}
		for _, id := range strings.Fields(line) {
			basket[names[id]] = true
		}
		b = append(b, basket)
	}
	checkRules(t, c, b)
}
