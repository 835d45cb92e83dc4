package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	model   = "org/minilm"
	commit1 = "1111111111111111111111111111111111111111"
	commit2 = "2222222222222222222222222222222222222222"
)

// fakeHub is a hub with one model, and a server of its own for large files.
type fakeHub struct {
	hub, cdn *httptest.Server
	commit   string
	files    map[string]string
	say      map[string]string // other contents to send than hashes are of

	// instead, when not nil, may answer a request of either server itself. It runs for
	// one request at a time.
	instead func(w http.ResponseWriter, r *http.Request) bool
	turn    sync.Mutex

	mu   sync.Mutex
	seen []string // requests: server, method, path and range
	auth map[string]bool
}

// large reports whether a file is in LFS.
func large(name string) bool { return strings.HasSuffix(name, ".safetensors") }

// minilm are the files of an encoder, and others that it does not need.
func minilm() map[string]string {
	return map[string]string{
		"config.json":                `{"hidden_size": 4}`,
		"vocab.txt":                  "hello\n",
		"1_Pooling/config.json":      `{"pooling_mode_mean_tokens": true}`,
		"model.safetensors":          weightsOf(1 << 20),
		"pytorch_model.bin":          "old",
		"onnx/model.onnx":            "other",
		"README.md":                  "text",
		"openvino/model.safetensors": "not at the top",
	}
}

func weightsOf(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return string(b)
}

func newHub(t *testing.T, files map[string]string) *fakeHub {
	t.Helper()
	h := &fakeHub{commit: commit1, files: files, say: map[string]string{}, auth: map[string]bool{}}
	h.hub = httptest.NewServer(h.serve("hub", h.serveHub))
	h.cdn = httptest.NewServer(h.serve("cdn", func(w http.ResponseWriter, r *http.Request) {
		h.content(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	}))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.cdn.Close)
	return h
}

func (h *fakeHub) serve(server string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.seen = append(h.seen, strings.TrimSpace(server+" "+r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get("Range")))
		h.auth[server] = h.auth[server] || r.Header.Get("Authorization") == "Bearer secret"
		h.mu.Unlock()
		if !h.answersInstead(w, r) {
			answer(w, r)
		}
	}
}

func (h *fakeHub) answersInstead(w http.ResponseWriter, r *http.Request) bool {
	if h.instead == nil {
		return false
	}
	h.turn.Lock()
	defer h.turn.Unlock() // also where the answer is broken off by a panic
	return h.instead(w, r)
}

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/models/"+model+"/revision/") {
		fmt.Fprintf(w, `{"sha": %q, "siblings": [`, h.commit)
		for i, name := range slices.Sorted(maps.Keys(h.files)) {
			fmt.Fprintf(w, "%s{\"rfilename\": %q}", strings.Repeat(",", min(i, 1)), name)
		}
		fmt.Fprint(w, "]}")
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/"+model+"/resolve/"+h.commit+"/")
	content, there := h.files[name]
	if !ok || !there {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", h.commit)
	if large(name) {
		w.Header().Set("X-Linked-Etag", fmt.Sprintf("%q", etag(name, content)))
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
		w.Header().Set("Location", h.cdn.URL+"/"+name+"?signature=xyz")
		w.WriteHeader(http.StatusFound)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`W/"%s"`, etag(name, content)))
	h.content(w, r, name)
}

func (h *fakeHub) content(w http.ResponseWriter, r *http.Request, name string) {
	text, ok := h.say[name]
	if !ok {
		text = h.files[name]
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

func etag(name, content string) string {
	if large(name) {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	}
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content)))
}

// requests returns those since the last call.
func (h *fakeHub) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

// client returns one whose sleeps are noted, and take no time.
func (h *fakeHub) client(t *testing.T, cache string) (*Client, *[]time.Duration) {
	t.Helper()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Setenv("HF_ENDPOINT", h.hub.URL)
	t.Setenv("HF_TOKEN", "secret")
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("TRANSFORMERS_OFFLINE", "")
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	slept := new([]time.Duration)
	c.sleep = func(ctx context.Context, d time.Duration) error {
		*slept = append(*slept, d)
		return ctx.Err()
	}
	return c, slept
}

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
