package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// codeVersion is the version of this build: the module's version, or the commit that it was built from.
// It is one of the four inputs that make a night reproducible.
func codeVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, revision, modified := info.Main.Version, "", false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	if revision != "" && version == "devel" {
		version += "-" + revision[:min(12, len(revision))]
		if modified {
			version += "-modified"
		}
	}
	return version
}

func newVersionCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this build",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(t.out, "partnerhealth %s %s %s/%s\n", codeVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
