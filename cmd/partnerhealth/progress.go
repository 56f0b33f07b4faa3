package main

import (
	"fmt"
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/partnerhealth/partnerhealth/pipeline/run"
)

// watcher shows the night to a person at a terminal: a moving bar for the stage at work and one line for
// each stage that is done. Under cron nobody watches, and nothing is shown.
type watcher struct {
	out      io.Writer
	progress *mpb.Progress
	bar      *mpb.Bar
}

func newWatcher(out io.Writer) *watcher { return &watcher{out: out} }

// StageStarted shows the bar of a stage, or a spinner where nobody knows how much there is to do.
func (w *watcher) StageStarted(name string, total int64) {
	w.progress = mpb.New(mpb.WithOutput(w.out), mpb.WithWidth(40))
	label := mpb.PrependDecorators(decor.Name(fmt.Sprintf("  %-8s ", name)))
	if total <= 0 {
		w.bar = w.progress.AddSpinner(0, mpb.BarRemoveOnComplete(), label)
		return
	}
	w.bar = w.progress.AddBar(total, mpb.BarRemoveOnComplete(), label, mpb.AppendDecorators(decor.Percentage()))
}

// StageAdvanced moves the bar.
func (w *watcher) StageAdvanced(n int64) {
	if w.bar != nil {
		w.bar.IncrInt64(n)
	}
}

// StageDone replaces the bar by the stage's line.
func (w *watcher) StageDone(s run.Stage) {
	if w.bar != nil {
		w.bar.Abort(true)
		w.progress.Wait()
		w.bar = nil
	}
	writeStage(w.out, s)
}

func writeStage(out io.Writer, s run.Stage) {
	printf(out, "  %-8s %-64s %6.1f s\n", s.Name, s.Detail, s.Seconds)
}

// stageLines prints a line for each stage that is done, and nothing that moves: for logs.
type stageLines struct{ out io.Writer }

// StageStarted prints nothing.
func (stageLines) StageStarted(string, int64) {}

// StageAdvanced prints nothing.
func (stageLines) StageAdvanced(int64) {}

// StageDone prints the stage's line.
func (l stageLines) StageDone(s run.Stage) { writeStage(l.out, s) }
