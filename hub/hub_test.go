package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pull(t *testing.T, c *Client, o Options) Snapshot {
	t.Helper()
	s, err := c.Pull(t.Context(), model, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tree returns what a folder holds: contents of files, and -> before targets of links.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			all[filepath.ToSlash(name)] = "-> " + filepath.ToSlash(target)
			return err
		}
		text, err := os.ReadFile(path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", parts)
	}
	for _, p := range append(parts, "hub: ") {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q; want %q in it", err, p)
		}
	}
	for _, secret := range []string{"secret", "xyz", "\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q; want no %q in it", err, secret)
		}
	}
}

func TestPullMakesTheLayoutOfHuggingFace(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	c, _ := h.client(t, cache)
	s := pull(t, c, Options{})
	want := Snapshot{
		Dir:    filepath.Join(cache, "models--org--minilm", "snapshots", commit1),
		Commit: commit1,
		Files:  []string{"1_Pooling/config.json", "config.json", "model.safetensors", "vocab.txt"},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	const hello = "ce013625030ba8dba906f756967f9e9ca394464a" // git hash-object says
	big := etag("model.safetensors", h.files["model.safetensors"])
	config, pooling := etag("config.json", h.files["config.json"]), etag("", h.files["1_Pooling/config.json"])
	snapshot := "models--org--minilm/snapshots/" + commit1
	wantTree := map[string]string{
		".locks/models--org--minilm/" + hello + ".lock":   "",
		".locks/models--org--minilm/" + big + ".lock":     "",
		".locks/models--org--minilm/" + config + ".lock":  "",
		".locks/models--org--minilm/" + pooling + ".lock": "",
		"models--org--minilm/blobs/" + hello:              "hello\n",
		"models--org--minilm/blobs/" + big:                h.files["model.safetensors"],
		"models--org--minilm/blobs/" + config:             h.files["config.json"],
		"models--org--minilm/blobs/" + pooling:            h.files["1_Pooling/config.json"],
		"models--org--minilm/refs/main":                   commit1,
		snapshot + "/config.json":                         "-> ../../blobs/" + config,
		snapshot + "/vocab.txt":                           "-> ../../blobs/" + hello,
		snapshot + "/model.safetensors":                   "-> ../../blobs/" + big,
		snapshot + "/1_Pooling/config.json":               "-> ../../../blobs/" + pooling,
	}
	if diff := cmp.Diff(wantTree, tree(t, cache)); diff != "" {
		t.Error(diff)
	}
	if dir, ok, err := Find(model); dir != s.Dir || !ok || err != nil {
		t.Errorf("Find gives %q, %v, %v; want %s", dir, ok, err, s.Dir)
	}
}

func TestPullFetchesOnlyWhatIsMissing(t *testing.T) {
	h := newHub(t, minilm())
	c, _ := h.client(t, t.TempDir())
	pull(t, c, Options{})
	h.requests()
	pull(t, c, Options{})
	list := "hub GET /api/models/org/minilm/revision/main"
	if diff := cmp.Diff([]string{list}, h.requests()); diff != "" {
		t.Errorf("all was there: %s", diff)
	}

	h.commit, h.files["config.json"] = commit2, "{}"
	h.files["vocab.txt"] = "" // git's hash of nothing is right without a request
	s := pull(t, c, Options{})
	at := "/org/minilm/resolve/" + commit2 + "/"
	want := []string{list, "hub HEAD " + at + "1_Pooling/config.json", "hub HEAD " + at + "config.json", "hub GET " + at + "config.json", "hub HEAD " + at + "model.safetensors", "hub HEAD " + at + "vocab.txt"}
	if diff := cmp.Diff(want, h.requests()); diff != "" {
		t.Errorf("two files were new: %s", diff)
	}
	if dir, ok, err := c.Find(model, ""); dir != s.Dir || s.Commit != commit2 || !ok || err != nil {
		t.Errorf("Find gives %q, %v, %v; want the new snapshot %s", dir, ok, err, s.Dir)
	}
	if dir, ok, err := c.Find(model, commit1); !ok || err != nil {
		t.Errorf("Find gives %q, %v, %v; want the old snapshot", dir, ok, err)
	}
}

func TestPullChoosesByRevisionAndPatterns(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	h.files["a b/ü#?.txt"] = "odd"
	c, _ := h.client(t, cache)
	s := pull(t, c, Options{Revision: "refs/pr/1", Include: []string{"README*", "*/*.txt"}})
	if _, ok, err := Find(model); ok || err != nil {
		t.Errorf("Find gives %v, %v; want that main was not pulled", ok, err)
	}
	if dir, ok, err := Find(model + "@refs/pr/1"); dir != s.Dir || !ok || err != nil {
		t.Errorf("Find gives %q, %v, %v; want %s", dir, ok, err, s.Dir)
	}
	if diff := cmp.Diff([]string{"README.md", "a b/ü#?.txt"}, s.Files); diff != "" {
		t.Error(diff)
	}
	want := []string{"hub GET /api/models/org/minilm/revision/refs%2Fpr%2F1"}
	if diff := cmp.Diff(want, h.requests()[:1]); diff != "" {
		t.Error(diff)
	}
	if got := tree(t, cache)["models--org--minilm/refs/refs/pr/1"]; got != commit1 {
		t.Errorf("the reference holds %q; want %q", got, commit1)
	}
	pull(t, c, Options{Revision: commit1, Include: []string{"vocab.txt"}})
	if refs := tree(t, filepath.Join(cache, "models--org--minilm", "refs")); len(refs) != 1 {
		t.Errorf("references %v; want none for a commit", refs)
	}
	for _, include := range []string{"*.json5", "config.json/"} {
		_, err := c.Pull(t.Context(), model, Options{Include: []string{"README.md", include}})
		wantError(t, err, model, include, "config.json")
	}
	_, err := c.Pull(t.Context(), model, Options{Include: []string{"["}})
	wantError(t, err, "pattern")
	delete(h.files, "model.safetensors")
	_, err = c.Pull(t.Context(), model, Options{})
	wantError(t, err, "*.safetensors", "pytorch_model.bin", "refs/pr/1")
}

func TestNamesThatLeadOutAreRefused(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	for _, name := range []string{"../x.txt", "a/../../x.txt", outside + ".txt", `..\x.txt`, "./x.txt", "a//x.txt"} {
		h, cache := newHub(t, minilm()), t.TempDir()
		h.files[name] = "evil"
		c, _ := h.client(t, cache)
		include := []string{"*", "*/*", "*/*/*", "*/*/*/*", strings.TrimSuffix(name, "x.txt") + "*"}
		if strings.Contains(name, `\`) {
			include = []string{"*"}
		}
		_, err := c.Pull(t.Context(), model, Options{Include: []string{include[len(include)-1]}})
		wantError(t, err, "leads out", fmt.Sprintf("%q", name))
		if got := tree(t, cache); len(got) > 0 {
			t.Errorf("%s: the cache holds %v; want nothing", name, got)
		}
	}
	h := newHub(t, minilm())
	c, _ := h.client(t, t.TempDir())
	for _, name := range []string{"", "../x", "a/b/c", "a--b/c", "a/..", "/a", "a/b.git", "a b/c", "a/b?c"} {
		_, err := c.Pull(t.Context(), name, Options{})
		wantError(t, err, fmt.Sprintf("%q", name), "ORG/NAME")
		if dir, ok, err := Find(name); ok || err != nil {
			t.Errorf("Find(%q) gives %q, %v, %v; want that it is not there", name, dir, ok, err)
		}
	}
	for _, revision := range []string{"..", "../../x", "/etc", "a//b"} {
		_, err := c.Pull(t.Context(), model, Options{Revision: revision})
		wantError(t, err, "revision")
	}
	h.commit = "../../../x"
	_, err := c.Pull(t.Context(), model, Options{})
	wantError(t, err, "40 digits")
	if seen := h.requests(); len(seen) != 1 {
		t.Errorf("requests %q; want one, for the commit", seen)
	}
}

// shards are two files of weights and their index.
func shards() map[string]string {
	return map[string]string{
		"config.json":                      "{}",
		"model-00001-of-00002.safetensors": "one",
		"model-00002-of-00002.safetensors": "two",
		"model.safetensors.index.json":     `{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}`,
	}
}

func TestAllShardsOfAnIndexAreThere(t *testing.T) {
	const second = "model-00002-of-00002.safetensors"
	h := newHub(t, shards())
	c, _ := h.client(t, t.TempDir())
	s := pull(t, c, Options{})
	if len(s.Files) != 4 {
		t.Errorf("files %q; want all", s.Files)
	}
	if err := os.Remove(filepath.Join(s.Dir, second)); err != nil {
		t.Fatal(err)
	}
	if dir, ok, err := Find(model); ok || err != nil {
		t.Errorf("Find gives %q, %v, %v with a shard gone; want that it is not there", dir, ok, err)
	}
	c.Offline = true
	_, err := c.Pull(t.Context(), model, Options{})
	wantError(t, err, second)
	c.Offline = false
	pull(t, c, Options{})
	if _, ok, err := Find(model); !ok || err != nil {
		t.Errorf("Find gives %v, %v; want the model", ok, err)
	}

	h.commit = commit2
	delete(h.files, second)
	_, err = c.Pull(t.Context(), model, Options{})
	wantError(t, err, second)
	h.files["model.safetensors.index.json"] = `{"weight_map": {"a": "../../x"}}`
	h.commit = strings.Repeat("3", 40)
	_, err = c.Pull(t.Context(), model, Options{})
	wantError(t, err, "leads out")
	if dir, ok, err := Find(model); filepath.Base(dir) != commit1 || !ok || err != nil {
		t.Errorf("Find gives %q, %v, %v; want the last whole snapshot", dir, ok, err)
	}
}

func TestOfflineOnlyTheCacheIsUsed(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	c, _ := h.client(t, cache)
	fetched := pull(t, c, Options{})
	h.requests()
	c, _ = h.client(t, cache)
	t.Setenv("HF_HUB_OFFLINE", "1")
	offline, err := New()
	if err != nil || !offline.Offline {
		t.Fatalf("client %+v, error %v; want it offline", offline, err)
	}
	if diff := cmp.Diff(fetched, pull(t, offline, Options{})); diff != "" {
		t.Error(diff)
	}
	pull(t, offline, Options{Revision: commit1, Include: []string{"vocab.txt"}})
	for _, o := range []Options{{Revision: "v2"}, {Revision: commit2}} {
		_, err := offline.Pull(t.Context(), model, o)
		wantError(t, err, model, o.Revision, "not in the cache", "HF_HUB_OFFLINE=0")
	}
	_, err = offline.Pull(t.Context(), model, Options{Include: []string{"README.md"}})
	wantError(t, err, "README.md", "HF_HUB_OFFLINE=0")
	_, err = offline.Pull(t.Context(), "org/other", Options{})
	wantError(t, err, "org/other", "not in the cache")
	if seen := h.requests(); len(seen) > 0 {
		t.Errorf("requests %q; want none", seen)
	}
	if err := os.WriteFile(filepath.Join(cache, "models--org--minilm", "refs", "main"), []byte("../.."), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Find(model, "")
	wantError(t, err, "main", "40 digits")
}

func TestFindSeesLinksThatLeadNowhere(t *testing.T) {
	h := newHub(t, minilm())
	c, _ := h.client(t, t.TempDir())
	s := pull(t, c, Options{})
	blob, err := filepath.EvalSymlinks(filepath.Join(s.Dir, "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	if dir, ok, err := Find(model); ok || err != nil {
		t.Errorf("Find gives %q, %v, %v; want that it is not there", dir, ok, err)
	}
	pull(t, c, Options{}) // mends it
	if _, err := os.Readlink(filepath.Join(s.Dir, "vocab.txt")); err != nil {
		t.Errorf("the file is no link: %v", err)
	}
	if err := os.WriteFile(blob, []byte("hel"), 0o600); err != nil { // as huggingface_hub does not leave it
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.Dir, "vocab.txt")); err != nil {
		t.Fatal(err)
	}
	pull(t, c, Options{})
	if text, err := os.ReadFile(filepath.Join(s.Dir, "vocab.txt")); err != nil || string(text) != "hello\n" {
		t.Errorf("the file holds %q, error %v", text, err)
	}
}

func TestConcurrentPullsFetchOnce(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	var wait sync.WaitGroup
	for range 6 {
		c, _ := h.client(t, cache)
		wait.Go(func() {
			if _, err := c.Pull(t.Context(), model, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	gets := map[string]int{}
	for _, r := range h.requests() {
		if !strings.Contains(r, "HEAD") && !strings.Contains(r, "/api/") {
			gets[r]++
		}
	}
	for r, n := range gets {
		if n != 1 {
			t.Errorf("%s: %d times; want once", r, n)
		}
	}
	for name, content := range tree(t, filepath.Join(cache, "models--org--minilm", "blobs")) {
		if name != etag("", content) && name != etag(".safetensors", content) {
			t.Errorf("blob %s holds what has another hash", name)
		}
	}
	if _, ok, err := Find(model); !ok || err != nil {
		t.Errorf("Find gives %v, %v; want the model", ok, err)
	}
}

func TestAnEncoderHasItsPoolingWhereverItStands(t *testing.T) {
	h := newHub(t, map[string]string{"config.json": "{}", "model.safetensors": "w", "2_Pooling/config.json": "{}", "3_Dense/config.json": "{}"})
	c, _ := h.client(t, t.TempDir())
	if diff := cmp.Diff([]string{"2_Pooling/config.json", "config.json", "model.safetensors"}, pull(t, c, Options{}).Files); diff != "" {
		t.Error(diff)
	}
}
