package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/publish"
	"github.com/partnerhealth/partnerhealth/pipeline/publish/runlog"
	"github.com/partnerhealth/partnerhealth/pipeline/report"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// modelRecord is the file in which a run keeps its models.
const modelRecord = "model.json.gz"

func TestTheModelsOfANightAreThoseOfItsTables(t *testing.T) {
	t.Parallel()
	db := open(t, calmSmall(t).config)
	n, err := run.ReadModels(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	if n.AsOf != "2026-10-31" || n.Program == "" || n.RunID != calmSmall(t).summary.RunID {
		t.Errorf("night %q of %q, run %q", n.AsOf, n.Program, n.RunID)
	}
	cards := query(t, db, "SELECT model_id, role, churns_train, train_from FROM model_card WHERE is_reported")
	m := n.Reported()
	if m == nil || len(cards) != 1 || m.ID != cards[0][0] || m.Role != cards[0][1] || m.Training.From != cards[0][3] || !n.Models[0].IsReported {
		t.Fatalf("reported %+v, the table has %v", m, cards)
	}
	if got, want := len(n.Models), len(query(t, db, "SELECT 1 FROM model_card")); got != want {
		t.Errorf("%d models, the table has %d", got, want)
	}
	if got, want := len(m.Coefficients), len(query(t, db, "SELECT 1 FROM model_coefficient WHERE model_id = ?", m.ID)); got != want || m.Coefficients[0].Column != "(intercept)" {
		t.Errorf("%d coefficients, the table has %d", got, want)
	}
	if got, want := len(n.Backtest), len(query(t, db, "SELECT 1 FROM model_backtest")); got != want || got > 0 && n.Backtest[got-1].Quarter != "total" {
		t.Errorf("%d quarters, the table has %d", got, want)
	}
	scored := query(t, db, "SELECT partner_id, logit FROM score_partner_churn WHERE logit IS NOT NULL AND status <> 'exited' ORDER BY partner_id")
	if len(n.Scored) != len(scored) || len(scored) == 0 {
		t.Fatalf("%d scored partners, the table has %d", len(n.Scored), len(scored))
	}
	for i, s := range n.Scored {
		if s.ID != scored[i][0] || s.Logit == nil || len(s.Values) != len(n.Columns) || s.Name == "" || s.Name == s.ID {
			t.Errorf("scored %+v, the table has %v", s, scored[i])
		}
	}
}

func TestTheNightExplainsItsChurnRiskOnAPage(t *testing.T) {
	t.Parallel()
	p := calmSmall(t)
	pages := filepath.Join(p.summary.Published, "pages")
	page, err := os.ReadFile(filepath.Join(pages, report.ChurnRiskFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"What the churn risk means", "There is no earlier night to compare it with.", "What to do with it"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	index, err := os.ReadFile(filepath.Join(pages, "index.html"))
	if err != nil || !strings.Contains(string(index), `href="churn-risk.html"`) {
		t.Errorf("the overview does not lead there: %v", err)
	}
	n, err := run.ReadModels(context.Background(), open(t, p.config))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(pages, report.BacktestPlotFile)); (err == nil) != n.HasBacktest() {
		t.Errorf("plot of the backtest: %v, there is one to draw: %v", err, n.HasBacktest())
	}
}

// history is a state folder whose current night is the shared one, after three that published once: one left a record of
// its models, one nothing, one failed.
func history(t *testing.T) *config.Config {
	t.Helper()
	p := calmSmall(t)
	folder, err := publish.Current(p.config.State)
	if err != nil {
		t.Fatal(err)
	}
	c := *p.config
	c.State = t.TempDir()
	if err := os.MkdirAll(filepath.Join(c.State, "published"), 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(folder)
	for link, target := range map[string]string{name: folder, "current": name} {
		if err := os.Symlink(target, filepath.Join(c.State, "published", link)); err != nil {
			t.Fatal(err)
		}
	}
	record, err := runlog.Kept(p.config.State, p.summary.RunID, modelRecord)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, time.November, 1, 2, 0, 0, 0, time.UTC)
	for i, r := range []runlog.Run{
		{ID: p.summary.RunID, AsOf: "2026-10-31", Status: runlog.Published, Folder: name},
		{ID: "recorded", AsOf: "2026-10-29", Status: runlog.Published, Folder: "2026-10-29_recorded"},
		{ID: "gone", AsOf: "2026-10-30", Status: runlog.Published, Folder: "2026-10-30_gone"},
		{ID: "failed", AsOf: "2026-10-28", Status: runlog.Failed},
	} {
		r.Started = at.AddDate(0, 0, -i)
		dir := filepath.Join(c.State, "runs", r.ID)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := runlog.Write(dir, r); err != nil {
			t.Fatal(err)
		}
		if r.ID == "recorded" || r.ID == "failed" {
			if err := os.WriteFile(filepath.Join(dir, modelRecord), record, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &c
}

func TestNightsAreComparedBeyondRetention(t *testing.T) {
	t.Parallel()
	c, ctx := history(t), context.Background()
	for _, names := range [][]string{{}, {"2026-10-29"}, {"recorded", "2026-10-31"}} {
		got, err := run.CompareModels(ctx, c, names...)
		if err != nil {
			t.Fatalf("%v: %v", names, err)
		}
		if got.Before.Source != report.FromRecord || got.After.Source != report.FromFolder || !got.IsSameModel {
			t.Errorf("%v: from %q and %q, same model %v", names, got.Before.Source, got.After.Source, got.IsSameModel)
		}
		// What was kept is what was published.
		for _, m := range got.Measures {
			if *m.Before.Value != *m.After.Value {
				t.Errorf("%s: %v was kept, %v published", m.Name, *m.Before.Value, *m.After.Value)
			}
		}
	}
	var gone *run.NightGoneError
	if _, err := run.CompareModels(ctx, c, "2026-10-30"); !errors.As(err, &gone) || !strings.Contains(err.Error(), "raise publish.keep") ||
		!strings.Contains(err.Error(), "there is 2026-10-31") || !strings.Contains(err.Error(), "2026-10-29 (run recorded)") {
		t.Errorf("a night that left nothing: %v", err)
	}
	var unknown *run.UnknownNameError
	if _, err := run.CompareModels(ctx, c, "2026-10-28"); !errors.As(err, &unknown) || !strings.Contains(err.Error(), `no published night is called "2026-10-28"; there is `) {
		t.Errorf("a night that failed: %v", err)
	}
}

func TestTheFirstNightHasNothingBeforeIt(t *testing.T) {
	t.Parallel()
	var first *run.NoEarlierNightError
	if _, err := run.CompareModels(context.Background(), calmSmall(t).config); !errors.As(err, &first) {
		t.Errorf("error %v", err)
	}
	same, err := run.CompareModels(context.Background(), calmSmall(t).config, "2026-10-31")
	if err != nil || !same.IsSameModel || same.Before.RunID != same.After.RunID {
		t.Errorf("a night beside itself: %+v, %v", same, err)
	}
}
