package run

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantRows compares the answer of a query, a row a line with its cells parted by blanks; null is -.
func (l *loaded) wantRows(t *testing.T, query string, want ...string) {
	t.Helper()
	_, rows := l.texts(t, query, "-")
	got := make([]string, len(rows))
	for i := range rows {
		got[i] = strings.Join(rows[i], " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

const livingDeals = "SELECT opportunity_id FROM canonical.opportunity WHERE NOT _deleted ORDER BY 1"

func TestADealIsDeletedByItsFlag(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("deals-1.csv", dealHeader+dealLine("d1", "Open", 0, 0)+dealLine("d2", "Open", 0, 0), 0, 0)
	o.send("deals-2.csv", dealHeader+dealLine("d1", "Open", 1, 1), 1, 0)
	o.canonical(t, 1).wantRows(t, livingDeals, "crm:deal:d2")
	// Restored, with a later time of its own, it is there again.
	o.send("deals-3.csv", dealHeader+dealLine("d1", "Won", 2, 0), 2, 0)
	o.canonical(t, 2).wantRows(t, livingDeals, "crm:deal:d1", "crm:deal:d2")
}

func TestADealIsDeletedByATombstone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("deals-1.csv", dealHeader+dealLine("d1", "Open", 0, 0)+dealLine("d2", "Open", 0, 0), 0, 0)
	o.send("gone-1.csv", "Deal,Gone\nd1,2026-03-03T00:00:00Z\n", 1, 0)
	o.canonical(t, 1).wantRows(t, livingDeals, "crm:deal:d2")
	// An export that was taken before the deletion and sent after it brings nothing back.
	o.send("deals-2.csv", dealHeader+dealLine("d1", "Open", 0, 0)+dealLine("d3", "Open", 0, 0), 2, 0)
	o.canonical(t, 2).wantRows(t, livingDeals, "crm:deal:d2", "crm:deal:d3")
}

func TestAPartnerIsDeletedByItsAbsence(t *testing.T) {
	t.Parallel()
	const living = "SELECT count(*) FROM canonical.partner WHERE NOT _deleted"
	o := newOffice(t, officeMapping)
	o.send("partners.csv", partnerHeader+partnerLines(0, 40, "gold", 0), 0, 0)
	o.take(0)
	o.send("partners.csv", partnerHeader+partnerLines(0, 38, "gold", 0), 1, 0)
	o.canonical(t, 1).wantRows(t, living, "38")
	// Behind the guard: an export that has lost most of its keys deletes nobody.
	o.send("partners.csv", partnerHeader+partnerLines(0, 12, "gold", 0), 2, 0)
	l := o.canonical(t, 2)
	l.wantRows(t, living, "38")
	q := l.summary.Ingest.Quarantined
	if len(q) != 1 || !strings.Contains(q[0].Reason, "would delete 26 of 38") || !q[0].LastGood.Equal(officeStart.AddDate(0, 0, 1)) {
		t.Errorf("quarantined %+v", q)
	}
	l.wantRows(t, "SELECT rule, next_step LIKE '%--allow-shrink%' FROM lake.reject", "shrink true")
	l.wantRows(t, "SELECT refused_at FROM source_feed", "2026-03-04 01:00:00")
	o.send("partners.csv", partnerHeader+partnerLines(0, 39, "gold", 0), 3, 0)
	l = o.canonical(t, 3)
	l.wantRows(t, living, "39")
	l.wantRows(t, "SELECT refused_at FROM source_feed", "-")
	// Unless somebody has looked.
	o.send("partners.csv", partnerHeader+partnerLines(0, 10, "gold", 0), 4, 0)
	o.allowShrink = true
	if s := o.take(4); len(s.Ingest.Quarantined) != 0 {
		t.Errorf("quarantined %+v", s.Ingest.Quarantined)
	}
	o.canonical(t, 4).wantRows(t, living, "10")
}

// officePartner is a partner in all that its history knows.
func officePartner(id, tier, owner, status, kind, region, parent string, night int) string {
	return fmt.Sprintf("%s,Partner %s,%s,%s,%s,%s,%s,%s,2025-01-01,2026-03-%02dT00:00:00Z\n", id, id, kind, status, tier, owner, region, parent, 2+night)
}

const partnerHistory = "SELECT attribute, value, strftime(valid_from, '%Y-%m-%d'), strftime(valid_to, '%Y-%m-%d'), basis " +
	"FROM canonical.partner_history WHERE partner_id = 'crm:crm_account:p1' AND NOT _deleted AND attribute <> 'program' ORDER BY attribute, valid_from"

// Without history objects, nights of snapshots tell since when a partner is what it is.
func TestSnapshotsTellTheHistoryOfAPartner(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	other := partnerLine("p2", "gold", 0)
	o.send("partners.csv", partnerHeader+officePartner("p1", "silver", "ann", "active", "reseller", "emea", "", 0)+other, 0, 0)
	o.take(0)
	o.send("partners.csv", partnerHeader+officePartner("p1", "gold", "ann", "active", "reseller", "emea", "p2", 3)+other, 3, 0)
	o.take(3)
	o.send("partners.csv", partnerHeader+officePartner("p1", "gold", "bob", "inactive", "referral", "amer", "p2", 5)+other, 5, 0)
	o.canonical(t, 5).wantRows(t, partnerHistory,
		"owner ann 2025-01-01 2026-03-07 backfilled", "owner bob 2026-03-07 - snapshot_diff",
		"parent crm:crm_account:p2 2026-03-05 - snapshot_diff",
		"region emea 2025-01-01 2026-03-07 backfilled", "region amer 2026-03-07 - snapshot_diff",
		"status active 2025-01-01 2026-03-07 backfilled", "status inactive 2026-03-07 - snapshot_diff",
		"tier silver 2025-01-01 2026-03-05 backfilled", "tier gold 2026-03-05 - snapshot_diff",
		"type reseller 2025-01-01 2026-03-07 backfilled", "type referral 2026-03-07 - snapshot_diff")
}

// That a partner is gone for some nights and comes back as it was changes nothing in what it was; what it comes back
// as counts from then on.
func TestHistoryOfAPartnerThatComesBack(t *testing.T) {
	t.Parallel()
	const tiers = "SELECT value, strftime(valid_from, '%Y-%m-%d'), strftime(valid_to, '%Y-%m-%d'), basis FROM canonical.partner_history " +
		"WHERE partner_id = 'crm:crm_account:p1' AND attribute = 'tier' AND NOT _deleted ORDER BY valid_from"
	o := newOffice(t, officeMapping)
	o.send("partners.csv", partnerHeader+partnerLine("p1", "silver", 0)+partnerLine("p2", "gold", 0), 0, 0)
	o.take(0)
	o.send("partners.csv", partnerHeader+partnerLine("p2", "gold", 0), 2, 0)
	gone := o.canonical(t, 2)
	gone.wantRows(t, "SELECT partner_id, _deleted FROM canonical.partner ORDER BY 1", "crm:crm_account:p1 true", "crm:crm_account:p2 false")
	o.send("partners.csv", partnerHeader+partnerLine("p1", "silver", 0)+partnerLine("p2", "gold", 0), 4, 0)
	back := o.canonical(t, 4)
	back.wantRows(t, "SELECT partner_id, _deleted FROM canonical.partner ORDER BY 1", "crm:crm_account:p1 false", "crm:crm_account:p2 false")
	back.wantRows(t, tiers, "silver 2025-01-01 - backfilled")
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 6)+partnerLine("p2", "gold", 0), 6, 0)
	o.canonical(t, 6).wantRows(t, tiers, "silver 2025-01-01 2026-03-08 backfilled", "gold 2026-03-08 - snapshot_diff")
}
