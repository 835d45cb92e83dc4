package main

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tokenizer"
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
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"refuses": refuses, "smallbert": smallBERT},
	})
}

// smallBERT makes a folder of a small BERT with random weights and the heads of
// pre-training, as of Hugging Face.
func smallBERT(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: smallbert DIR")
	}
	words := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] a good bad film play was it ##s very")
	n, err := bert.NewPretraining(bert.Config{
		Vocab: len(words), Dim: 16, Layers: 2, Heads: 2, FFN: 32, MaxLength: 16, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.3,
	}, rand.New(rand.NewPCG(1, 2)))
	ts.Check(err)
	tok, err := tokenizer.NewWordPiece(words, tokenizer.WordPieceOptions{})
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check((&bert.Folder{Network: n}).Save(dir))
	ts.Check(tok.SaveFolder(dir, 0))
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
