package warehouse

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// dayRollup counts the events of each person and day, each event once.
const dayRollup = `-- day: one row per day and person.
-- grain: day x person
-- key: day, person_id
-- day DATE: local day
-- person_id VARCHAR: person
-- events BIGINT: distinct events
WITH events AS (
    SELECT e.event_id, e.person_id, e.occurred_at,
        ROW_NUMBER() OVER (PARTITION BY e.event_id ORDER BY e._loaded_at, e._file, e._row) AS copy_no
    FROM lake.engagement_event AS e
)
SELECT CAST(((e.occurred_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS day, e.person_id, COUNT(*) AS events
FROM events AS e CROSS JOIN run_settings AS s
WHERE e.copy_no = 1
GROUP BY 1, 2
`

// voidedRollup lists the events that nothing takes back.
const voidedRollup = `-- day: one row per event.
-- grain: day x event
-- key: day, event_id
-- day DATE: day
-- event_id VARCHAR: event
SELECT CAST(e.occurred_at AS DATE) AS day, e.event_id
FROM lake.engagement_event AS e CROSS JOIN run_settings AS s
WHERE e.event_id NOT IN (SELECT event_id FROM lake.engagement_event WHERE COALESCE(_deleted, FALSE)) AND s.timezone IS NOT NULL
`

// rollupBuild is a build with the rollup and settings in a time zone.
func rollupBuild(t *testing.T, dir, sql, zone string) *Build {
	t.Helper()
	settings, err := treeFile("inputs/run_settings.sql")
	if err != nil {
		t.Fatal(err)
	}
	b := buildIn(t, dir, map[string]string{"inputs/run_settings.sql": settings, "rollup/day.sql": sql})
	row := defaultSettings()
	row["timezone"] = zone
	if err := b.Fill(t.Context(), "run_settings", []Row{row}); err != nil {
		t.Fatal(err)
	}
	return b
}

func engineOf(t *testing.T, b *Build) *RollupEngine {
	t.Helper()
	e, err := b.RollupEngine("day")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// eventFile writes a lake file with an event every seven hours; some events are in every file.
func eventFile(t *testing.T, path, from, to string) string {
	t.Helper()
	return writeParquet(t, path, "engagement_event", fmt.Sprintf(
		`SELECT CAST(epoch(m) AS VARCHAR) AS event_id, 'p' || CAST(epoch(m)::BIGINT %% 3 AS VARCHAR) AS person_id, m AS occurred_at, %s AS _file, 1 AS _row
		FROM range(TIMESTAMP %s, TIMESTAMP %s, INTERVAL 7 HOUR) r(m)`, literal(filepath.Base(path)), literal(from), literal(to)), true)
}

// TestMonthsOfARollupAreTheWhole: computing month by month is computing all at once, in any time zone.
func TestMonthsOfARollupAreTheWhole(t *testing.T) {
	dir := t.TempDir()
	files := []string{
		eventFile(t, filepath.Join(dir, "a [1].parquet"), "2026-08-20", "2026-10-03"),
		eventFile(t, filepath.Join(dir, "b.parquet"), "2026-08-20", "2026-11-05"), // repeats all of a
	}
	for _, zone := range []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"} {
		t.Run(zone, func(t *testing.T) {
			e := engineOf(t, rollupBuild(t, dir, dayRollup, zone))
			var months []string
			var rows int64
			for month := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC); month.Month() < 12; month = month.AddDate(0, 1, 0) {
				out := filepath.Join(dir, strings.ReplaceAll(zone, "/", "")+month.Format("2006-01")+".parquet")
				n, err := e.Write(t.Context(), month, month.AddDate(0, 1, 0), files, out)
				if err != nil {
					t.Fatal(err)
				}
				rows += n
				months = append(months, out)
			}
			whole := rollupBuild(t, dir, dayRollup, zone)
			tables := map[string][]string{"engagement_event": files}
			if err := whole.ProvideLake(t.Context(), LakeFiles{Tables: tables, Rollups: map[string][]string{"day": months}}); err != nil {
				t.Fatal(err)
			}
			m, _ := whole.graph.Rollup("day")
			want := rowsOf(t, whole.db, m.SQL+" ORDER BY 1, 2")
			got := rowsOf(t, whole.db, "SELECT * FROM rollup.day ORDER BY 1, 2")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if int(rows) != len(want) || len(want) < 70 {
				t.Errorf("%d rows reported, %d there", rows, len(want))
			}
		})
	}
}

func TestRollupFilesAreTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	file := eventFile(t, filepath.Join(dir, "a.parquet"), "2026-08-01", "2026-10-01")
	var first []byte
	for i := range 3 {
		out := filepath.Join(dir, fmt.Sprint("out", i))
		e := engineOf(t, rollupBuild(t, dir, dayRollup, "UTC"))
		if _, err := e.Write(t.Context(), day("2026-09-01"), day("2026-10-01"), []string{file}, out); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = data
		} else if !slices.Equal(first, data) {
			t.Error("the bytes differ")
		}
	}
}

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestRollupDays(t *testing.T) {
	dir := t.TempDir()
	file := writeParquet(t, filepath.Join(dir, "a*[1].parquet"), "engagement_event",
		"SELECT m AS occurred_at FROM (VALUES (TIMESTAMP '2026-10-31 23:59:59'), (TIMESTAMP '2026-01-01 00:00:00'), (NULL), (TIMESTAMP '2026-10-31 00:00:00')) t(m)", true)
	e := engineOf(t, rollupBuild(t, dir, dayRollup, "UTC"))
	got, voids, err := e.Days(t.Context(), file)
	if err != nil || voids {
		t.Fatalf("%v, takes events back: %t", err, voids)
	}
	if diff := cmp.Diff([]time.Time{day("2026-01-01"), day("2026-10-31")}, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := e.Days(t.Context(), filepath.Join(dir, "lost.parquet")); err == nil || !strings.Contains(err.Error(), "lost.parquet") {
		t.Errorf("a lost file: %v", err)
	}
}

// An event that another file takes back counts in no month, whatever the time of the taking back.
func TestRollupOfVoidedEvents(t *testing.T) {
	dir := t.TempDir()
	file := eventFile(t, filepath.Join(dir, "a.parquet"), "2026-08-01", "2026-08-02")
	by := writeParquet(t, filepath.Join(dir, "b.parquet"), "engagement_event",
		`SELECT CAST(epoch(TIMESTAMP '2026-08-01 07:00:00') AS VARCHAR) AS event_id, TIMESTAMP '2026-12-24 00:00:00' AS occurred_at, true AS _deleted, 'b' AS _file, 1 AS _row`, true)
	e := engineOf(t, rollupBuild(t, dir, voidedRollup, "UTC"))
	if _, voids, err := e.Days(t.Context(), by); err != nil || !voids {
		t.Fatalf("%v, takes events back: %t", err, voids)
	}
	days, err := e.Voided(t.Context(), by, []string{file})
	if err != nil || !cmp.Equal(days, []time.Time{day("2026-08-01")}) {
		t.Fatalf("voided days %v, %v", days, err)
	}
	count := func(files ...string) int64 {
		n, err := e.Write(t.Context(), day("2026-08-01"), day("2026-09-01"), files, filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if all, left := count(file), count(file, by); all != 4 || left != 3 {
		t.Errorf("%d events, %d after one was taken back; want 4 and 3", all, left)
	}
}

// TestRollupVersion: a month is made again when the statement or a setting that it names changes.
func TestRollupVersion(t *testing.T) {
	dir := t.TempDir()
	version := func(sql, zone string) string {
		t.Helper()
		v, err := engineOf(t, rollupBuild(t, dir, sql, zone)).Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	base := version(dayRollup, "UTC")
	if version(dayRollup, "UTC") != base {
		t.Error("the same computation has two versions")
	}
	if version(dayRollup, "Europe/Berlin") == base {
		t.Error("another time zone is the same version")
	}
	if version(strings.Replace(dayRollup, "copy_no = 1", "copy_no < 2", 1), "UTC") == base {
		t.Error("another statement is the same version")
	}
	withoutZone := strings.Replace(dayRollup, "s.timezone", "'UTC'", 1)
	if version(withoutZone, "UTC") != version(withoutZone, "Europe/Berlin") {
		t.Error("a setting that the statement does not name changes the version")
	}
}

func TestRollupProblems(t *testing.T) {
	dir := t.TempDir()
	settings := func(sql string) *Build { return rollupBuild(t, dir, sql, "UTC") }
	noDay := strings.ReplaceAll(strings.Replace(dayRollup, "-- key: day, person_id", "-- key: person_id", 1), "-- day DATE: local day", "-- local DATE: local day")
	for name, c := range map[string]struct {
		b    *Build
		want string
	}{
		"no such file":         {build(t, nil), "no file rollup/day.sql"},
		"no settings":          {buildIn(t, dir, map[string]string{"inputs/run_settings.sql": input("run_settings"), "rollup/day.sql": dayRollup}), "run before run_settings is there"},
		"no day":               {settings(noDay), "has a column day"},
		"no lake table":        {settings(model("day", "SELECT 'x' AS k, 1 AS day FROM run_settings")), "a rollup reads a lake table"},
		"a table without time": {settings(model("day", "SELECT name AS k FROM lake.partner")), "which has an event time"},
	} {
		if _, err := c.b.RollupEngine("day"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	late := settings(dayRollup)
	if err := late.ProvideLake(t.Context(), LakeFiles{}); err != nil {
		t.Fatal(err)
	}
	if _, err := late.RollupEngine("day"); err == nil || !strings.Contains(err.Error(), "the lake was given before") {
		t.Errorf("error %v", err)
	}
}
