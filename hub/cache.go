package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
)

// The cache holds for each model a folder with
//
//	blobs/<etag>               contents of files, by their hashes
//	blobs/<etag>.incomplete    as far as one has come
//	refs/<revision>            the commit that a branch or tag was at
//	snapshots/<commit>/<path>  links to blobs

func (r repo) blob(etag string) string { return filepath.Join(r.dir, "blobs", etag) }

func (r repo) snapshot(commit string) string { return filepath.Join(r.dir, "snapshots", commit) }

func (r repo) ref() string { return filepath.Join(r.dir, "refs", filepath.FromSlash(r.revision)) }

func (r repo) pointer(commit, file string) string {
	return filepath.Join(r.snapshot(commit), filepath.FromSlash(file))
}

// lockPath is where huggingface_hub has its lock too.
func (r repo) lockPath(etag string) string {
	cache, folder := filepath.Split(r.dir)
	return filepath.Join(cache, ".locks", folder, etag+".lock")
}

var commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

// commit returns the commit that the revision was at when it was last fetched,
// "" if it never was.
func (r repo) commit() (string, error) {
	if commitForm.MatchString(r.revision) {
		return r.revision, nil
	}
	text, err := os.ReadFile(r.ref())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	commit := strings.TrimSpace(string(text))
	if !commitForm.MatchString(commit) {
		return "", fmt.Errorf("%s holds %.50q; want a commit of 40 digits; remove the file and fetch the model again", r.ref(), commit)
	}
	return commit, nil
}

// writeRef notes the commit of the revision where that is news.
func (r repo) writeRef(commit string) error {
	if r.revision == commit {
		return nil
	}
	if old, err := os.ReadFile(r.ref()); err == nil && string(old) == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.ref()), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(r.ref(), func(w io.Writer) error {
		_, err := io.WriteString(w, commit)
		return err
	})
}

// cached returns what the cache has of the files asked for.
func (r repo) cached(include []string) (Snapshot, error) {
	commit, err := r.commit()
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Dir: r.snapshot(commit), Commit: commit}
	var names []string
	if commit != "" {
		if names, _, err = files(s.Dir); err != nil {
			return s, err
		}
	}
	if len(names) == 0 {
		return s, fmt.Errorf("revision %s is not in the cache (%s), and HF_HUB_OFFLINE is set; fetch it with HF_HUB_OFFLINE=0, or set HF_HUB_CACHE", r.revision, r.dir)
	}
	if s.Files, err = choose(names, include); err != nil {
		return s, fmt.Errorf("%s: %w; HF_HUB_OFFLINE is set: with HF_HUB_OFFLINE=0 more can be fetched", s.Dir, err)
	}
	return s, nil
}

// files returns the names of all files of a snapshot, and whether none is a link
// to a blob that is gone. A folder that isn't there has none.
func files(dir string) (names []string, whole bool, err error) {
	whole = true
	tree := os.DirFS(dir)
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || d.IsDir():
			return err
		}
		if _, err := fs.Stat(tree, name); err != nil {
			whole = false
			return nil //nolint:nilerr // the file is as good as not there
		}
		names = append(names, name)
		return nil
	})
	return names, whole, err
}

// symlink and hardlink are taken away by tests.
var symlink, hardlink = os.Symlink, os.Link

// link puts a blob at a path of a snapshot: by a relative link, and where the
// system has none, by a second name or a copy.
func link(blob, at string) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(at), blob)
	if err != nil {
		return err
	}
	err = symlink(target, at)
	if errors.Is(err, fs.ErrExist) {
		if _, err := os.Stat(at); err == nil {
			return nil // another process was faster
		}
		if err := os.Remove(at); err != nil { // a link to what is gone
			return err
		}
		err = symlink(target, at)
	}
	if err == nil || hardlink(blob, at) == nil {
		return nil
	}
	return atomicfile.Write(at, atomicfile.CopyOf(blob))
}

const indexEnding = ".safetensors.index.json"

// checkShards refuses a snapshot whose index names files that aren't there.
func checkShards(dir string, names []string) error {
	missing, err := missingShards(dir, names)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("the index of the weights names %s, which the repository, or the cache, does not have", some(missing))
	}
	return err
}

// missingShards returns the files that indices among names name and that the
// snapshot does not have.
func missingShards(dir string, names []string) ([]string, error) {
	missing := map[string]bool{}
	for _, name := range names {
		if !strings.HasSuffix(name, indexEnding) {
			continue
		}
		at := filepath.Join(dir, filepath.FromSlash(name))
		text, err := os.ReadFile(at)
		if err != nil {
			return nil, err
		}
		var index struct {
			WeightMap map[string]string `json:"weight_map"`
		}
		if err := json.Unmarshal(text, &index); err != nil {
			return nil, fmt.Errorf("%s: %w; want an index of shards", at, jsonerror.Plain(err))
		}
		for shard := range maps.Values(index.WeightMap) {
			file := path.Join(path.Dir(name), shard)
			if !local(shard) {
				return nil, fmt.Errorf("%s names %q, which leads out of the folder", at, shard)
			}
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
				missing[file] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(missing)), nil
}
