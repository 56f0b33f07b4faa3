package run

import "time"

// Summary is what one night did: the figures behind the lines at the terminal, and, as JSON, the written
// contract of `partnerhealth run --json`. Fields are added, never renamed or given another meaning.
type Summary struct {
	Version  int       `json:"version"`
	Program  string    `json:"program"`
	Currency string    `json:"currency"`
	AsOf     string    `json:"as_of"`
	RunID    string    `json:"run_id"`
	DryRun   bool      `json:"dry_run"`
	Started  time.Time `json:"started_at"`
	Seconds  float64   `json:"seconds"`
	Stages   []Stage   `json:"stages"`

	Exports   Exports   `json:"exports"`
	Ingest    Ingest    `json:"ingest"`
	Rollup    Rollup    `json:"rollup"`
	Marts     Marts     `json:"marts"`
	Score     Score     `json:"score"`
	Report    Report    `json:"report"`
	Attention Attention `json:"attention"`

	// Published is the folder that was published; "" where nothing was.
	Published string   `json:"published"`
	Warnings  []string `json:"warnings"`
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
	// Unmatched are files that no mapping names; they are reported, never read.
	Unmatched []string `json:"unmatched"`
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

// Quarantine is one refused file.
type Quarantine struct {
	Source string `json:"source"`
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// FileCount is what became of one file, table by table: Records = Rows + Unchanged + Filtered + Rejected.
type FileCount struct {
	Source    string `json:"source"`
	File      string `json:"file"`
	Table     string `json:"table"`
	Records   int64  `json:"records"`
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
}

// Report counts what was written for people.
type Report struct {
	Alerts   int `json:"alerts"`
	Managers int `json:"managers"`
	QBR      int `json:"qbr"`
}

// Attention is the night's result in the words of a partner manager.
type Attention struct {
	Partners int    `json:"partners"`
	AtStake  string `json:"at_stake"`
	New      int    `json:"new"`
	Top      []Top  `json:"top"`
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
