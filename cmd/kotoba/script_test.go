package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kotoba": main})
}

// TestScripts runs the sessions in testdata/script. See the documentation of
// testscript for the commands in them; refuses is ours.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"refuses": refuses},
	})
}

// refuses runs a command that must tell of bad input: by status 2 and one line
// on stderr.
func refuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: refuses COMMAND [ARG...]")
	}
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitBadInput {
		ts.Fatalf("%s: %v; want exit status %d", strings.Join(args, " "), err, exitBadInput)
	}
	text := ts.ReadFile("stderr")
	if !strings.HasPrefix(text, "kotoba: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		ts.Fatalf("stderr is %q; want one line from kotoba", text)
	}
}
