package run

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
)

// realStatements is the folder with all of the statements of which fixtures/xapi is an excerpt, beside the repository.
const realStatements = "../../../shared/realdata/xapi"

// Every statement of a real learning record store goes in, and nothing is lost on the way to the canonical tables. What
// is wanted was counted from the files without this project: verbs, actors and objects of the statements; attempts are
// the pairs of actor and object, since these statements have no registration.
func TestRealStatements(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		want         map[string]string
	}{
		{"excerpt", filepath.Join("..", "..", "fixtures", "xapi", "exports"), map[string]string{
			"statements": "307", "records": "307", "rejected": "0", "actors": "22", "objects": "10", "completed": "24", "terminated": "9",
			"downloaded": "1", "played": "84", "first": "2021-11-24 11:08:17.284344", "last": "2021-12-01 10:49:24.091503",
			"people": "22", "attempts": "63", "completed attempts": "20", "events by day": "307",
		}},
		{"all", realStatements, map[string]string{
			"statements": "22000", "records": "22000", "rejected": "0", "actors": "1452", "objects": "10", "completed": "636", "terminated": "338",
			"downloaded": "54", "played": "6603", "first": "2021-11-24 10:56:03.383499", "last": "2021-12-01 10:54:31.896936",
			"people": "1452", "attempts": "2872", "completed attempts": "568", "events by day": "22000",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(c.folder); err != nil {
				t.Skipf("the statements are not on this machine: %v", err)
			}
			l := loadExports(t, statementsOf(t, c.folder), time.Date(2021, time.December, 31, 0, 0, 0, 0, time.UTC), true)
			got := map[string]string{}
			for name, query := range statementCounts {
				_, rows := l.texts(t, query, "")
				got[name] = rows[0][0]
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

// statementCounts are the questions that are asked of the loaded statements.
var statementCounts = map[string]string{
	"statements":         "SELECT count(DISTINCT event_id) FROM lake.engagement_event",
	"records":            "SELECT sum(rows + unchanged + rejected) FROM lake.input WHERE table_name = 'engagement_event'",
	"rejected":           "SELECT count(*) FROM lake.reject",
	"actors":             "SELECT count(DISTINCT person_id) FROM lake.engagement_event",
	"objects":            "SELECT count(DISTINCT object_id) FROM lake.engagement_event",
	"completed":          "SELECT count(*) FROM lake.engagement_event WHERE kind_raw = 'http://adlnet.gov/expapi/verbs/completed'",
	"terminated":         "SELECT count(*) FROM lake.engagement_event WHERE kind_raw = 'http://adlnet.gov/expapi/verbs/terminated'",
	"downloaded":         "SELECT count(*) FROM lake.engagement_event WHERE kind_raw = 'http://id.tincanapi.com/verb/downloaded'",
	"played":             "SELECT count(*) FROM lake.engagement_event WHERE kind_raw = 'https://w3id.org/xapi/video/verbs/played'",
	"first":              "SELECT min(occurred_at) FROM lake.engagement_event",
	"last":               "SELECT max(occurred_at) FROM lake.engagement_event",
	"people":             "SELECT count(*) FROM canonical.person",
	"attempts":           "SELECT count(*) FROM canonical.learning_record",
	"completed attempts": "SELECT count(*) FROM canonical.learning_record WHERE status = 'completed' AND completed_at IS NOT NULL",
	"events by day":      "SELECT sum(events) FROM rollup.partner_day",
}

// statementsOf is the configuration of fixtures/xapi for a copy of a folder of statements.
func statementsOf(t *testing.T, folder string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "exports"), os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "xapi", "partnerhealth.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "partnerhealth.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(fmt.Errorf("load configuration of the statements: %w", err))
	}
	return c
}
