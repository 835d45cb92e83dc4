// Command build bundles the attention page: the TypeScript and the style sheet
// of ../src become ../dist, which package inspect embeds. Run it in its own
// directory after npm ci in the one above. With -check it writes nothing and
// fails where ../dist is not what it would write.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	check := flag.Bool("check", false, "fail where the bundle is not current")
	flag.Parse()
	if err := build(*check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func build(check bool) error {
	banner, err := banner()
	if err != nil {
		return err
	}
	result := api.Build(api.BuildOptions{
		Banner: map[string]string{"js": banner},
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "../src/main.ts", OutputPath: "attention"},
			{InputPath: "../src/style.css", OutputPath: "attention"},
		},
		Outdir:            "../dist",
		Bundle:            true,
		Format:            api.FormatIIFE,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone,
		LogLevel:          api.LogLevelInfo,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("build: %d errors", len(result.Errors))
	}
	for _, file := range result.OutputFiles {
		if err := put(file, check); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file or, for a check, compares it with the one there.
func put(file api.OutputFile, check bool) error {
	if !check {
		if err := os.MkdirAll(filepath.Dir(file.Path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file.Path, file.Contents, 0o644)
	}
	old, err := os.ReadFile(file.Path)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, file.Contents) {
		return fmt.Errorf("build: %s is not current, run go generate ./inspect", filepath.Base(file.Path))
	}
	return nil
}

// banner returns a comment with the hash of the sources, by which a test of
// package inspect sees that the bundle is current, and with the licences of
// the libraries in it.
func banner() (string, error) {
	hash := sha256.New()
	sources, err := filepath.Glob("../src/*")
	if err != nil {
		return "", err
	}
	for _, path := range append(sources, "../package-lock.json") {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		hash.Write(data)
	}
	notices, err := licences()
	return fmt.Sprintf("/* sources %x\n\n%s*/", hash.Sum(nil), notices), err
}

// licences returns the licence of every library, once for libraries that share
// it to the letter.
func licences() (string, error) {
	paths, err := filepath.Glob("../node_modules/*/LICENSE")
	if err != nil {
		return "", err
	}
	var texts []string
	names := map[string][]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		text := string(data)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], filepath.Base(filepath.Dir(path)))
	}
	var b strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&b, "%s:\n%s\n", strings.Join(names[text], ", "), text)
	}
	return b.String(), nil
}
