package run

import (
	"fmt"
	"strings"
	"time"
)

// Summary is what one night did: the figures behind the lines at the terminal, and, as JSON, the written
// contract of `partnerhealth run --json`. Fields are added, never renamed or given another meaning.
type Summary struct {
	Version  int    `json:"version"`
	Program  string `json:"program"`
	Currency string `json:"currency"`
	AsOf     string `json:"as_of"`
	// KnownAt is the moment up to which exports count, RFC 3339 in UTC; "" for a night that counts all.
	KnownAt string    `json:"known_at,omitempty"`
	RunID   string    `json:"run_id"`
	DryRun  bool      `json:"dry_run"`
	Started time.Time `json:"started_at"`
	Seconds float64   `json:"seconds"`
	Stages  []Stage   `json:"stages"`

	Exports   Exports   `json:"exports"`
	Ingest    Ingest    `json:"ingest"`
	Rollup    Rollup    `json:"rollup"`
	Marts     Marts     `json:"marts"`
	Score     Score     `json:"score"`
	Report    Report    `json:"report"`
	Attention Attention `json:"attention"`

	// Published is the folder that was published, for a night of the past beside the current one; "" where nothing
	// was.
	Published string   `json:"published"`
	Warnings  []string `json:"warnings"`
	// Notes are worth knowing and nothing to act on.
	Notes []string `json:"notes"`
}

// summaryVersion is the version of the JSON contract.
const summaryVersion = 1

// Stage is one stage of the night with its time.
type Stage struct {
	Name    string  `json:"name"`
	Detail  string  `json:"detail"`
	Seconds float64 `json:"seconds"`
}

// Exports counts the export files that were found.
type Exports struct {
	Sources int `json:"sources"`
	Files   int `json:"files"`
	New     int `json:"new"`
	// Ignored counts files that the configuration says not to read.
	Ignored int `json:"ignored"`
	// Unmatched are files that no mapping names; they are reported, never read.
	Unmatched []string `json:"unmatched"`
	// Waiting are files that may not be whole yet and are left to the next night.
	Waiting []Waiting `json:"waiting"`
}

// Waiting is one file that was not read tonight, by which rule of completeness, and why.
type Waiting struct {
	Source   string `json:"source"`
	File     string `json:"file"`
	Rule     string `json:"rule"`
	Reason   string `json:"reason"`
	NextStep string `json:"next_step"`
}

// Ingest counts records over all files that were read tonight. A record of a file that feeds several
// tables is counted once in Records and once a table in the other counts.
type Ingest struct {
	Records   int64 `json:"records"`
	Rows      int64 `json:"rows"`
	Unchanged int64 `json:"unchanged"`
	Filtered  int64 `json:"filtered"`
	Deleted   int64 `json:"deleted"`
	Rejected  int64 `json:"rejected"`
	// Values counts values that were dropped while their row was kept.
	Values int64 `json:"values_dropped"`
	// Quarantined are files that were refused whole, with the reason.
	Quarantined []Quarantine `json:"quarantined"`
	Files       []FileCount  `json:"files"`
}

// Quarantine is one refused export; of one in several parts File is the part at fault, or the first.
type Quarantine struct {
	Source string `json:"source"`
	File   string `json:"file"`
	Reason string `json:"reason"`
	// Rule is the rule that was broken, "" where the file itself is not at fault.
	Rule string `json:"rule,omitempty"`
	// Object is what the file holds, Tables what it would have fed; empty where nobody knows.
	Object string   `json:"object,omitempty"`
	Tables []string `json:"tables,omitempty"`
	// Refused counts its refused records; they are kept although none of the others was loaded.
	Refused int64 `json:"refused"`
	// LastGood is when the export was received that stays in its place, zero where there is none.
	LastGood time.Time `json:"last_good,omitzero"`
}

// more says, behind the reason, where the refused records are shown, and what the tables go on with.
func (q *Quarantine) more(where string) string {
	text := ""
	if q.Refused > 0 {
		text = fmt.Sprintf("; %s shows %s", where, plural(q.Refused, "record of it that was refused", "records of it that were refused"))
	}
	tables := strings.Join(q.Tables, ", ")
	switch {
	case tables == "":
	case q.LastGood.IsZero():
		text += "; no export of its kind was ever loaded into " + tables
	default:
		text += fmt.Sprintf("; %s stays as of %s", tables, q.LastGood.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return text
}

// FileCount is what became of one file, table by table: Units = Rows + Unchanged + Filtered + Rejected. Units are the
// records, or for a table to which one record gives several rows what the records were cut into.
type FileCount struct {
	Source    string `json:"source"`
	File      string `json:"file"`
	Table     string `json:"table"`
	Records   int64  `json:"records"`
	Units     int64  `json:"units"`
	Rows      int64  `json:"rows"`
	Unchanged int64  `json:"unchanged"`
	Filtered  int64  `json:"filtered"`
	Rejected  int64  `json:"rejected"`
}

// Rollup counts the months of events that were rebuilt.
type Rollup struct {
	Months  int `json:"months"`
	Rebuilt int `json:"rebuilt"`
}

// Marts counts the tables of the database and what its checks found.
type Marts struct {
	Tables   int `json:"tables"`
	Checks   int `json:"checks"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
}

// Score says how the churn score was made.
type Score struct {
	Partners   int      `json:"partners"`
	Method     string   `json:"method"`
	Verdict    string   `json:"verdict"`
	Reason     string   `json:"reason"`
	Events     int64    `json:"events"`
	AUC        *float64 `json:"auc"`
	AUCRecency *float64 `json:"auc_recency"`
	// Refitted is true where the churn models were fitted tonight, false where those of an earlier night were used
	// because nothing that they learn from had changed. No table depends on it.
	Refitted bool `json:"refitted"`
}

// Report counts what was written for people.
type Report struct {
	Alerts   int `json:"alerts"`
	Managers int `json:"managers"`
	QBR      int `json:"qbr"`
}

// Attention is the night's result in the words of a partner manager.
type Attention struct {
	Partners int `json:"partners"`
	// Beyond are partners that need attention as well, below the limit of their manager's list.
	Beyond  int    `json:"beyond"`
	AtStake string `json:"at_stake"`
	New     int    `json:"new"`
	Top     []Top  `json:"top"`
}

// Top is one of the first partners on the list.
type Top struct {
	Partner     string   `json:"partner"`
	Probability *float64 `json:"probability"`
	AtStake     string   `json:"at_stake"`
	Cause       string   `json:"cause"`
	Reason      string   `json:"reason"`
	IsNew       bool     `json:"is_new"`
}

// Observer is told how the night goes on; its methods are called from one goroutine.
type Observer interface {
	// StageStarted announces a stage with its total work in units of its own; 0 is unknown.
	StageStarted(name string, total int64)
	// StageAdvanced says that n more units are done.
	StageAdvanced(n int64)
	// StageDone ends the stage.
	StageDone(stage Stage)
}

// silent is the observer of those who do not look.
type silent struct{}

func (silent) StageStarted(string, int64) {}
func (silent) StageAdvanced(int64)        {}
func (silent) StageDone(Stage)            {}
