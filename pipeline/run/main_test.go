package run_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// Child processes of this test binary do one thing and end: what is killed, or whose memory is measured,
// must be a process of its own.
const (
	childTask   = "PARTNERHEALTH_TEST_TASK"
	childConfig = "PARTNERHEALTH_TEST_CONFIG"
)

func TestMain(m *testing.M) {
	task, ok := children[os.Getenv(childTask)]
	if !ok {
		code := m.Run()
		if err := os.RemoveAll(playedFolders); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	if err := task(context.Background(), os.Getenv(childConfig)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// children are the tasks of child processes, by name.
var children = map[string]func(ctx context.Context, argument string) error{
	"night": func(ctx context.Context, path string) error {
		c, err := config.Load(path)
		if err != nil {
			return err
		}
		_, err = run.Night(ctx, run.Options{Config: c, AsOf: until, Version: "test", Now: time.Now})
		return err
	},
	"ingest":    withPeak(ingestDeals),
	"read_csv":  withPeak(readCSV),
	"read_json": withPeak(readJSON),
}
