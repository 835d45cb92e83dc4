// Package layout has only tests: of which packages import which, and of how
// long files and functions are.
package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/kotoba-nlp/kotoba/"
)

// layers are the packages from the lowest to the highest. A package imports
// those of lower layers only, none of its own: hence no model imports another.
// A name ending in /... stands for all packages below it.
var layers = [][]string{
	{"internal/atomicfile", "internal/filelock", "internal/freelist", "internal/jsonerror", "internal/tfrecord"},
	{"internal/cpu", "internal/par", "internal/layout", "metrics", "tokenizer", "data/builtin", "hub"},
	{"internal/kernel", "data", "pretraining"},
	{"tensor"},
	{"nn"},
	{"optim", "checkpoint"},
	{"models/...", "internal/golden"},
	{"decode", "inspect", "pipeline"},
	{"train"},
	{"bench", "reproduce"},
	{"cmd/...", "examples/..."},
}

func TestImportsGoOneWay(t *testing.T) {
	_, files := parse(t)
	for name, file := range files {
		if strings.HasSuffix(name, "_test.go") || inOtherModule(name) {
			continue // a test may use packages above the one it tests
		}
		from := path.Dir(name)
		level := layer(from)
		if level < 0 {
			t.Errorf("%s: package %s is in no layer; give it a place in layers", name, from)
			continue
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			to, ours := strings.CutPrefix(imported, module)
			if ours && layer(to) >= level {
				t.Errorf("%s: %s imports %s, which is not below it", name, from, to)
			}
		}
	}
}

// layer returns the number of a package's layer, -1 when it has none.
func layer(name string) int {
	return slices.IndexFunc(layers, func(packages []string) bool {
		return slices.ContainsFunc(packages, func(p string) bool {
			dir, tree := strings.CutSuffix(p, "...")
			return name == p || tree && strings.HasPrefix(name, dir)
		})
	})
}

// inOtherModule reports whether a file is part of a generator, which is a
// module of its own.
func inOtherModule(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(path.Join(root, dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

const (
	mostFileLines     = 500
	mostFunctionLines = 60
)

// long are the files, and the functions as file:function, that may be longer,
// with the reason.
var long = map[string]string{}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	seen := map[string]bool{}
	check := func(what string, lines, most int) {
		switch reason := long[what]; {
		case lines <= most:
		case reason != "":
			seen[what] = true
		default:
			t.Errorf("%s has %d lines, more than %d: split it, or say in long why not", what, lines, most)
		}
	}
	fset, files := parse(t)
	for name, file := range files {
		if ast.IsGenerated(file) {
			continue
		}
		check(name, fset.File(file.FileStart).LineCount()-1, mostFileLines)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1
				check(name+":"+f.Name.Name, lines, mostFunctionLines)
			}
		}
	}
	for what := range long {
		if !seen[what] {
			t.Errorf("%s stands in long and is short, or gone; take it out", what)
		}
	}
}

// parse reads all Go files of the repository, generators with a module of their
// own among them. Keys are paths from the root.
func parse(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if dir := d.Name(); dir == "node_modules" || dir == "testdata" || len(dir) > 1 && dir[0] == '.' {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err == nil {
			files[name], err = parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files")
	}
	return fset, files
}
