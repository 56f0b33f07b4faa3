// Command partnerhealth turns the exports of a partner programme into a database, churn alerts and QBR
// data sets, every night. See `partnerhealth --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // for machines without a zone database
)

func main() {
	os.Exit(realMain())
}

// realMain runs the command with the process's own arguments and streams and returns its exit code.
func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := terminal{
		out:     os.Stdout,
		err:     os.Stderr,
		now:     time.Now,
		outFile: os.Stdout,
		errFile: os.Stderr,
	}
	return execute(ctx, t, os.Args[1:])
}
