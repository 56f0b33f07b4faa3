package run

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// thirtyNightsSeeds is how many programmes TestThirtyNightsEndAsOneCleanLoad plays; raise it for a longer look.
var thirtyNightsSeeds = flag.Int("thirty-nights-seeds", 2, "programmes played by TestThirtyNightsEndAsOneCleanLoad")

const nightsPlayed = 30

// world is a programme as its CRM knows it: the truth that exports tell piece by piece.
type world struct {
	r        *rand.Rand
	partners map[string][]string // the cells of partnerHeader, by id
	away     map[string][]string // those that are not there at the moment
	deals    map[string][]string // the cells of dealHeader
	payments []string            // lines; facts
	changed  []string            // deals changed tonight
}

func newWorld(seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 30)), partners: map[string][]string{}, away: map[string][]string{}, deals: map[string][]string{}}
	for i := range 35 {
		w.partner(fmt.Sprintf("p%02d", i), 0)
	}
	for i := range 5 {
		w.partner(fmt.Sprintf("q%d", i), 0)
	}
	for i := range 40 {
		w.deal(fmt.Sprintf("d%02d", i), 0)
	}
	return w
}

func (w *world) pick(words ...string) string { return words[w.r.IntN(len(words))] }

// modified is a time on a night that no other change has.
func (w *world) modified(night int) string {
	return officeStart.AddDate(0, 0, night-1).Add(1e9*60*60).Format("2006-01-02T15:04:") + fmt.Sprintf("%02d.%06dZ", w.r.IntN(60), w.r.IntN(1e6))
}

func (w *world) partner(id string, night int) {
	parent := ""
	if w.r.IntN(4) == 0 {
		parent = "p00"
	}
	w.partners[id] = []string{id, "Partner " + id, w.pick("reseller", "referral"), w.pick("active", "inactive"), w.pick("silver", "gold", "platinum"),
		w.pick("ann", "bob"), w.pick("emea", "amer"), parent, "2025-01-01", w.modified(night)}
}

func (w *world) deal(id string, night int) {
	deleted := "0"
	if w.r.IntN(12) == 0 {
		deleted = "1"
	}
	w.deals[id] = []string{id, "Deal, \"" + id + "\"", w.pick("Open", "Won", "Lost"), fmt.Sprint(w.r.IntN(1e5)), w.pick("EUR", "USD"), "2026-01-05T00:00:00Z",
		w.pick("new", "renewal"), fmt.Sprintf("p%02d", w.r.IntN(35)), w.modified(night), deleted}
	w.changed = append(w.changed, id)
}

// live lets a day pass.
func (w *world) live(night int) {
	w.changed = nil
	for range 1 + w.r.IntN(3) {
		if id := fmt.Sprintf("p%02d", w.r.IntN(35)); w.away[id] == nil {
			w.partner(id, night)
		}
	}
	// Some partners go for some nights and come back as they were; of those that go for good nobody says anything
	// else, since facts of a partner that is gone are still its own, which a clean load cannot know.
	for _, id := range sortedKeys(w.away) {
		if night == nightsPlayed-1 || w.r.IntN(3) == 0 {
			w.partners[id] = w.away[id]
			delete(w.away, id)
		}
	}
	if id := fmt.Sprintf("p%02d", 1+w.r.IntN(33)); night < nightsPlayed-1 && w.partners[id] != nil {
		w.away[id] = w.partners[id]
		delete(w.partners, id)
	}
	delete(w.partners, fmt.Sprintf("q%d", w.r.IntN(20)))
	for range 1 + w.r.IntN(6) {
		w.deal(fmt.Sprintf("d%02d", w.r.IntN(60)), night)
	}
	for range 1 + w.r.IntN(3) {
		w.payments = append(w.payments, fmt.Sprintf("n%03d,p%02d,%d.%02d,2026-02-%02d\n", len(w.payments), w.r.IntN(34), w.r.IntN(900), w.r.IntN(100), 1+w.r.IntN(28)))
	}
}

// sheet writes records as CSV with columns and records in an order of their own.
func (w *world) sheet(header string, records [][]string) string {
	names := strings.Split(strings.TrimSpace(header), ",")
	columns := w.r.Perm(len(names))
	records = slices.Clone(records)
	w.r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	var b strings.Builder
	line := func(cells []string) {
		for i, c := range columns {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(cells[c], `"`, `""`) + `"`)
		}
		b.WriteString("\r\n")
	}
	line(names)
	for _, r := range records {
		line(r)
	}
	return b.String()
}

func cellsOf(of map[string][]string) [][]string {
	var out [][]string
	for _, id := range sortedKeys(of) {
		out = append(out, of[id])
	}
	return out
}

func sortedKeys(of map[string][]string) []string {
	var out []string
	for id := range of {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

const paymentHeader = "No,Account,Amount,Paid\n"

// send writes the exports of a night: the partners as a snapshot in two overlapping parts, the deals that changed with
// others that did not, the payments that are new with others that are not; some twice, some late, some corrected.
func (w *world) send(o *office, night int, before *world) {
	all := cellsOf(w.partners)
	cut := len(all) / 2
	first, second := slices.Clone(all[:cut+2]), slices.Clone(all[cut:])
	// The second part was written first: the version that it has of what both hold may be yesterday's.
	for i := range second[:2] {
		if old, ok := before.partners[second[i][0]]; ok {
			second[i] = old
		}
	}
	o.send(fmt.Sprintf("n%02d/partners-w%02d-1.csv", night, night), w.sheet(partnerHeader, first), night, 1)
	o.send(fmt.Sprintf("n%02d/partners-w%02d-2.csv", night, night), w.sheet(partnerHeader, second), night, 2)

	var deals [][]string
	for _, id := range sortedKeys(w.deals) {
		if slices.Contains(w.changed, id) || w.r.IntN(4) == 0 {
			deals = append(deals, w.deals[id])
		}
	}
	text := w.sheet(dealHeader, deals)
	switch name := fmt.Sprintf("n%02d/deals.csv", night); w.r.IntN(5) {
	case 0: // Held up for some nights, with the time at which it was written.
		o.later = append(o.later, held{night: night, arrives: night + 1 + w.r.IntN(3), name: name, text: text})
	case 1: // Sent twice.
		o.send(name, text, night, 3)
		o.send(fmt.Sprintf("n%02d/deals-again.csv", night), text, night, 4)
	case 2: // Broken off, and corrected the next night.
		o.send(name, text[:len(text)*2/3], night, 3)
		o.later = append(o.later, held{night: night + 1, arrives: night + 1, name: name, text: text})
	default:
		o.send(name, text, night, 3)
	}
	from := max(0, len(w.payments)-4)
	o.send(fmt.Sprintf("n%02d/payments.csv", night), paymentHeader+strings.Join(w.payments[from:], ""), night, 5)
}

// held is a file that arrives on a night after the one on which it was written.
type held struct {
	night, arrives int
	name, text     string
}

// arrive lets the files arrive that are due; by the last night all are.
func (o *office) arrive(night int) {
	o.later = slices.DeleteFunc(o.later, func(h held) bool {
		if h.arrives > night && night < nightsPlayed {
			return false
		}
		o.send(h.name, h.text, h.night, 3)
		return true
	})
}

func (w *world) copy() *world {
	out := &world{partners: map[string][]string{}, deals: map[string][]string{}}
	for id, p := range w.partners {
		out.partners[id] = p
	}
	return out
}

// Over thirty nights exports come in parts, overlap, are sent again, late, in another order, broken off and corrected.
// The canonical tables end as those of one clean load of what the CRM knows in the end, but for where and when each
// row came from.
func TestThirtyNightsEndAsOneCleanLoad(t *testing.T) {
	t.Parallel()
	for seed := range *thirtyNightsSeeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(uint64(seed))
			o := newOffice(t, officeMapping)
			refused := 0
			for night := range nightsPlayed {
				before := w.copy()
				w.live(night)
				w.send(o, night, before)
				o.arrive(night)
				refused += int(o.take(night).Ingest.Rejected)
			}
			// The last night has everything that was held up, and all deals once more in full.
			o.arrive(nightsPlayed)
			played := o.canonical(t, nightsPlayed)

			clean := newOffice(t, officeMapping)
			clean.send("partners.csv", w.sheet(partnerHeader, cellsOf(w.partners)), 0, 0)
			clean.send("deals.csv", w.sheet(dealHeader, cellsOf(w.deals)), 0, 0)
			clean.send("payments.csv", paymentHeader+strings.Join(w.payments, ""), 0, 0)
			once := clean.canonical(t, nightsPlayed)
			for _, query := range endStates {
				_, want := once.texts(t, query, "-")
				_, got := played.texts(t, query, "-")
				if len(want) < 10 {
					t.Errorf("%s: only %d rows: the comparison says little", query, len(want))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-clean +thirty nights):\n%s", query, diff)
				}
			}
			if refused == 0 && seed == 0 {
				t.Error("no record was broken off: nothing is tried")
			}
		})
	}
}

// endStates are the canonical tables without lineage, receipt, observed history and what was deleted.
var endStates = []string{
	"SELECT * EXCLUDE (known_at, _source, _file, _file_sha256, _row, _loaded_at, _extra, _deleted) FROM canonical.partner WHERE NOT _deleted ORDER BY partner_id",
	"SELECT * EXCLUDE (known_at, closed_seen_at, _source, _file, _file_sha256, _row, _loaded_at, _extra, _deleted) FROM canonical.opportunity WHERE NOT _deleted ORDER BY opportunity_id",
	"SELECT * EXCLUDE (known_at, _source, _file, _file_sha256, _row, _loaded_at, _extra, _deleted) FROM canonical.ledger_entry WHERE NOT _deleted ORDER BY entry_id",
}
