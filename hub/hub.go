// Package hub fetches models from a hub with the layout of Hugging Face, and
// keeps them in the cache of Python's huggingface_hub: what one has fetched, the
// other finds.
//
// [Find] looks into the cache only. [Client.Pull] asks the hub, and fetches
// what is not in the cache. Each file is checked against its size and its hash,
// and gets its name in the cache only then. A download that is cut off goes on
// where it was.
//
// The environment says where things are, as it does for huggingface_hub; see [New].
package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Client fetches models. [New] makes one. It is safe for concurrent use if
// Progress is.
type Client struct {
	Endpoint string // URL of the hub, without a slash at the end
	Cache    string // folder of the cache
	Token    string // of the user, sent to the hub's own host only; "" for none
	Offline  bool   // use the cache only

	// Progress is told what happens, from the goroutine of Pull. It may be nil.
	Progress func(Event)

	http  *http.Client
	stall time.Duration // longest silence of a server
	tries int           // in a row without a byte gained
	sleep func(context.Context, time.Duration) error
	wrap  func(io.Writer) io.Writer // of the files written to, for tests
}

// Event is something that happens to a file.
type Event struct {
	File string
	Kind EventKind
	Done int64  // bytes that are there
	Size int64  // bytes in all, -1 where the hub does not say
	Note string // for Waiting: why
}

// EventKind is what happens to a file.
type EventKind int

// The kinds of events. A file is either Cached, or Began, Fetching any number
// of times and Fetched; an error ends that early.
const (
	Cached   EventKind = iota // it was in the cache
	Began                     // with Done bytes from earlier
	Fetching                  // Done bytes are there, fewer than before if it had to start over
	Fetched                   // all is there, and right
	Waiting                   // for another process, or before another try
)

// Options are what Pull fetches.
type Options struct {
	Revision string // branch, tag or commit; "" means main

	// Include are patterns, as of [path.Match], of the files' names in the
	// repository; * stands for no slash. Each must match. Without any, files
	// are chosen that an encoder needs.
	Include []string
}

// Snapshot is a model in the cache.
type Snapshot struct {
	Dir    string
	Commit string
	Files  []string // those asked for, in order, with slashes
}

// encoderFiles are the patterns of the files that an encoder needs.
var encoderFiles = []string{
	"config.json", weights, "*" + indexEnding,
	"vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "*_Pooling/config.json", // the number is that of the module
}

const weights = "*.safetensors"

// Pull fetches files of the model of that name, ORG/NAME, that are not in the
// cache yet. When ctx is cancelled, what has come is kept for the next time.
func (c *Client) Pull(ctx context.Context, name string, o Options) (Snapshot, error) {
	r, err := c.repo(name, o.Revision)
	if err != nil {
		return Snapshot{}, err
	}
	var s Snapshot
	if c.Offline {
		s, err = r.cached(o.Include)
	} else {
		s, err = c.pull(ctx, r, o.Include)
	}
	if err == nil && len(o.Include) == 0 {
		err = checkShards(s.Dir, s.Files)
	}
	if err == nil && !c.Offline {
		err = r.writeRef(s.Commit) // now that all is there
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("hub: %s: %w", name, err)
	}
	return s, nil
}

func (c *Client) pull(ctx context.Context, r repo, include []string) (Snapshot, error) {
	commit, names, err := c.list(ctx, r)
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Dir: r.snapshot(commit), Commit: commit}
	if s.Files, err = choose(names, include); err != nil {
		return s, fmt.Errorf("revision %s: %w", r.revision, err)
	}
	for _, file := range s.Files {
		if err := c.file(ctx, r, commit, file); err != nil {
			return s, fmt.Errorf("%s: %w", file, err)
		}
	}
	return s, nil
}

// choose returns the names that match patterns, in order, and refuses those
// that lead out of a folder.
func choose(names, include []string) ([]string, error) {
	patterns := include
	if len(include) == 0 {
		patterns = encoderFiles
	}
	var chosen []string
	matched := map[string]bool{}
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("pattern %q: %w; want *, ? and [letters] only where they are meant so", p, err)
		}
		for _, name := range names {
			if ok, _ := path.Match(p, name); ok {
				chosen = append(chosen, name)
				matched[p] = true
			}
		}
	}
	for _, p := range include {
		if !matched[p] {
			return nil, fmt.Errorf("no file matches %q; there are %s", p, some(names))
		}
	}
	if len(include) == 0 && !matched[weights] {
		return nil, fmt.Errorf("no file matches %q, and no other weights are read; there are %s; try another revision, often refs/pr/1, or choose files by patterns", weights, some(names))
	}
	for _, name := range chosen {
		if !local(name) {
			return nil, fmt.Errorf("there is a file named %q, which leads out of the folder; do not trust this hub", name)
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// local reports whether a name from the hub stays in the folder it is put in.
func local(name string) bool {
	return path.Clean(name) == name && name != "." && !strings.Contains(name, `\`) && filepath.IsLocal(filepath.FromSlash(name))
}

// some lists names for an error, not too many.
func some(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "no files"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// repo is a revision of a model and its place in the cache.
type repo struct{ name, revision, dir string }

var nameForm = regexp.MustCompile(`^(?:\w(?:[\w.-]{0,94}\w)?/)?\w(?:[\w.-]{0,94}\w)?$`)

func isName(name string) bool {
	return nameForm.MatchString(name) && !strings.Contains(name, "--") && !strings.Contains(name, "..") && !strings.HasSuffix(name, ".git")
}

func (c *Client) repo(name, revision string) (repo, error) {
	if !isName(name) {
		return repo{}, fmt.Errorf("hub: %q is not the name of a model; want ORG/NAME of letters, digits and single ., - and _", name)
	}
	if revision == "" {
		revision = "main"
	}
	if !local(revision) {
		return repo{}, fmt.Errorf("hub: %s: %q is not a revision; want a branch, a tag or a commit", name, revision)
	}
	folder := "models--" + strings.ReplaceAll(name, "/", "--")
	return repo{name, revision, filepath.Join(c.Cache, folder)}, nil
}

func (c *Client) tell(e Event) {
	if c.Progress != nil {
		c.Progress(e)
	}
}

// Find returns the folder of a model in the cache, as of the last time that
// its branch main was fetched, and whether it is there with all the files that were asked for
// then, and all shards of its weights. It does not use the network. No other name than ORG/NAME is ever there, or, of another
// revision than main, ORG/NAME@REVISION.
func Find(name string) (dir string, ok bool, err error) {
	cache, err := cacheFolder(os.Getenv)
	if err != nil {
		return "", false, err
	}
	c := &Client{Cache: cache}
	name, revision, _ := strings.Cut(name, "@")
	if !isName(name) || revision != "" && !local(revision) {
		return "", false, nil
	}
	return c.Find(name, revision)
}

// Find is as the function [Find], for any revision, "" meaning main.
func (c *Client) Find(name, revision string) (dir string, ok bool, err error) {
	r, err := c.repo(name, revision)
	if err != nil {
		return "", false, err
	}
	commit, err := r.commit()
	if commit == "" || err != nil {
		return "", false, wrapName(name, err)
	}
	dir = r.snapshot(commit)
	names, whole, err := files(dir)
	if !whole || len(names) == 0 || err != nil {
		return "", false, wrapName(name, err)
	}
	missing, err := missingShards(dir, names)
	if len(missing) > 0 || err != nil {
		return "", false, wrapName(name, err)
	}
	return dir, true, nil
}

func wrapName(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("hub: %s: %w", name, err)
}
