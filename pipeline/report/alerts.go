package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// alertColumns are the columns of the alert CSV, in order.
var alertColumns = []string{
	"rank", "owner", "partner_id", "partner", "stage", "cause", "severity", "risk", "band", "health",
	"revenue_at_stake", "trailing_revenue", "currency", "reason_1", "reason_2", "reason_3",
	"last_good_value", "last_good_on", "suggestion", "is_new", "is_listed", "is_muted", "mute_reason", "basis", "alert_id",
}

// WriteAlertCSV writes the alert list for spreadsheets: UTF-8 with a byte-order mark, so that Excel reads
// the letters right, and with every text cell that a spreadsheet would run as a formula defused by a leading
// apostrophe (OWASP, CSV injection). Numbers are written plainly, with a point.
func WriteAlertCSV(w io.Writer, currency string, alerts []Alert) error {
	buffered := bufio.NewWriter(w)
	if _, err := buffered.WriteString("\ufeff"); err != nil {
		return fmt.Errorf("write alert list: %w", err)
	}
	out := csv.NewWriter(buffered)
	if err := out.Write(alertColumns); err != nil {
		return fmt.Errorf("write alert list: %w", err)
	}
	for i := range alerts {
		if err := out.Write(alertRow(currency, &alerts[i])); err != nil {
			return fmt.Errorf("write alert %s: %w", alerts[i].ID, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write alert list: %w", err)
	}
	return buffered.Flush()
}

func alertRow(currency string, a *Alert) []string {
	reason := func(i int) string {
		if i < len(a.Reasons) {
			return spreadsheetSafe(a.Reasons[i])
		}
		return ""
	}
	return []string{
		strconv.FormatInt(a.Rank, 10), spreadsheetSafe(a.owner()), spreadsheetSafe(a.PartnerID), spreadsheetSafe(a.PartnerName),
		spreadsheetSafe(a.Stage), spreadsheetSafe(a.Cause), spreadsheetSafe(a.Severity), plainFloat(a.Probability), spreadsheetSafe(a.Band),
		plainFloat(a.Health), a.AtStake, a.TrailingRevenue, spreadsheetSafe(currency), reason(0), reason(1), reason(2),
		spreadsheetSafe(a.LastGoodValue), a.LastGoodOn, spreadsheetSafe(a.Suggestion),
		strconv.FormatBool(a.IsNew), strconv.FormatBool(a.IsListed), strconv.FormatBool(a.IsMuted),
		spreadsheetSafe(a.MuteReason), spreadsheetSafe(a.Basis), spreadsheetSafe(a.ID),
	}
}

// spreadsheetSafe defuses text that a spreadsheet would evaluate; some read the full-width signs of East Asian keyboards
// as signs too.
func spreadsheetSafe(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) {
		return "'" + s
	}
	return s
}

func plainFloat(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// owner is the name that addresses the owner; partners without one are listed together.
func (a *Alert) owner() string {
	switch {
	case a.OwnerName != "":
		return a.OwnerName
	case a.OwnerKey != "":
		return a.OwnerKey
	default:
		return "no owner"
	}
}

// OwnerList is what one partner manager has to act on.
type OwnerList struct {
	Key, Name string
	// Partners are in order of priority; a partner with several causes is one entry.
	Partners []OwnerPartner
	// Muted are alerts that were held back, with the reason.
	Muted []Alert
	// Beyond counts alerts past the limit per manager, PartnersBeyond the partners that they are about.
	Beyond, PartnersBeyond int
	// AtStake is the exact decimal sum over the partners shown, each partner counted once.
	AtStake string
}

// OwnerPartner is one partner on an owner's list with all its causes.
type OwnerPartner struct {
	Alert
	Causes      []string
	Suggestions []string
}

// ByOwner groups alerts by owner, partners in rank order and owners by their first partner's rank.
func ByOwner(alerts []Alert) []OwnerList {
	sorted := append([]Alert(nil), alerts...)
	sort.SliceStable(sorted, func(i, j int) bool {
		if sorted[i].Rank != sorted[j].Rank {
			return sorted[i].Rank < sorted[j].Rank
		}
		return sorted[i].ID < sorted[j].ID
	})
	index := map[string]int{}
	beyond := map[string]bool{}
	var lists []OwnerList
	for i := range sorted {
		a := sorted[i]
		at, ok := index[a.OwnerKey]
		if !ok {
			at = len(lists)
			index[a.OwnerKey] = at
			lists = append(lists, OwnerList{Key: a.OwnerKey, Name: a.owner()})
		}
		if lists[at].add(a); !a.IsMuted && !a.IsListed && !beyond[a.PartnerID] {
			beyond[a.PartnerID] = true
			lists[at].PartnersBeyond++
		}
	}
	for i := range lists {
		lists[i].AtStake = SumAtStake(lists[i].Partners)
	}
	return lists
}

func (l *OwnerList) add(a Alert) {
	if a.IsMuted {
		l.Muted = append(l.Muted, a)
		return
	}
	for i := range l.Partners {
		if p := &l.Partners[i]; p.PartnerID == a.PartnerID {
			p.Causes = append(p.Causes, a.Cause)
			p.Reasons = appendNew(p.Reasons, a.Reasons...)
			p.Suggestions = appendNew(p.Suggestions, a.Suggestion)
			p.IsNew = p.IsNew || a.IsNew
			return
		}
	}
	if !a.IsListed {
		l.Beyond++
		return
	}
	p := OwnerPartner{Alert: a, Causes: []string{a.Cause}, Suggestions: appendNew(nil, a.Suggestion)}
	p.Reasons = appendNew(nil, a.Reasons...)
	l.Partners = append(l.Partners, p)
}

func appendNew(list []string, more ...string) []string {
next:
	for _, s := range more {
		if s == "" {
			continue
		}
		for _, have := range list {
			if have == s {
				continue next
			}
		}
		list = append(list, s)
	}
	return list
}

// SumAtStake returns the exact decimal sum of what is at stake with these partners, with four decimals.
func SumAtStake(partners []OwnerPartner) string {
	sum := new(big.Rat)
	for i := range partners {
		if r, ok := new(big.Rat).SetString(partners[i].AtStake); ok {
			sum.Add(sum, r)
		}
	}
	return sum.FloatString(4)
}
