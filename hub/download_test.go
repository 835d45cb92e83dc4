package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// blobs returns where the large file of a hub is in a cache, and where it grows.
func (h *fakeHub) blobs(cache string) (blob, partial string) {
	blob = filepath.Join(cache, "models--org--minilm", "blobs", etag("model.safetensors", h.files["model.safetensors"]))
	return blob, blob + ".incomplete"
}

// wantWeights checks the large file and that nothing incomplete is left.
func (h *fakeHub) wantWeights(t *testing.T, cache string) {
	t.Helper()
	blob, partial := h.blobs(cache)
	if text, err := os.ReadFile(blob); err != nil || string(text) != h.files["model.safetensors"] {
		t.Errorf("the file has %d bytes, error %v; want what the hub has", len(text), err)
	}
	if _, err := os.Stat(partial); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an incomplete file is left: %v", err)
	}
}

// ranges are those that were asked of the server of large files.
func (h *fakeHub) ranges() (all []string) {
	for _, r := range h.requests() {
		if rest, ok := strings.CutPrefix(r, "cdn GET /model.safetensors"); ok {
			all = append(all, strings.TrimSpace(rest))
		}
	}
	return all
}

var onlyWeights = Options{Include: []string{"model.safetensors"}}

func TestBrokenDownloadGoesOn(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	c, slept := h.client(t, cache)
	h.cut(300_000, 3)
	pull(t, c, onlyWeights)
	h.wantWeights(t, cache)
	want := []string{"", "bytes=300000-", "bytes=600000-", "bytes=900000-"}
	if got := h.ranges(); !slices.Equal(got, want) {
		t.Errorf("ranges %q; want %q", got, want)
	}
	if want := []time.Duration{time.Second, time.Second, time.Second}; !slices.Equal(*slept, want) {
		t.Errorf("slept %v; want %v, as each try gained bytes", *slept, want)
	}
}

func TestDownloadThatGainsNothingEnds(t *testing.T) {
	for name, after := range map[string]int{"nothing comes": 0, "it starts over each time": 1000} {
		h, cache := newHub(t, minilm()), t.TempDir()
		c, slept := h.client(t, cache)
		h.cut(after, -1)
		inner := h.instead
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range") // the server does not know of it
			return inner(w, r)
		}
		_, err := c.Pull(t.Context(), model, onlyWeights)
		wantError(t, err, "model.safetensors", "5 tries")
		if len(*slept) > 5 {
			t.Errorf("%s: slept %v; want a few times", name, *slept)
		}
	}
}

func TestPartialFileIsUsed(t *testing.T) {
	right := weightsOf(1 << 20)
	for name, c := range map[string]struct {
		there  string
		ranges []string
	}{
		"half":           {right[:1<<19], []string{"bytes=524288-"}},
		"all":            {right, nil},
		"more":           {right + "x", []string{""}},
		"all but a byte": {right[:1<<20-1], []string{"bytes=1048575-"}},
		"empty":          {"", []string{""}},
	} {
		h, cache := newHub(t, minilm()), t.TempDir()
		client, _ := h.client(t, cache)
		h.plant(t, cache, c.there)
		pull(t, client, onlyWeights)
		h.wantWeights(t, cache)
		if got := h.ranges(); !slices.Equal(got, c.ranges) {
			t.Errorf("%s: ranges %q; want %q", name, got, c.ranges)
		}
	}
}

// plant puts a partial file into the cache, as another process left it.
func (h *fakeHub) plant(t *testing.T, cache, content string) {
	t.Helper()
	_, partial := h.blobs(cache)
	if err := os.MkdirAll(filepath.Dir(partial), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(partial, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOddAnswersToRanges(t *testing.T) {
	half := weightsOf(1 << 19)
	for name, c := range map[string]struct {
		answer   func(w http.ResponseWriter, r *http.Request)
		noSize   bool // the hub does not say how large the file is
		there    string
		requests int
	}{
		"all instead of a part": {answer: func(_ http.ResponseWriter, r *http.Request) { r.Header.Del("Range") }, there: half, requests: 1},
		"another part":          {answer: func(_ http.ResponseWriter, r *http.Request) { r.Header.Set("Range", "bytes=1-") }, there: half, requests: 2},
		"none": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}, there: half, requests: 2},
		"size unknown, all there":      {answer: func(http.ResponseWriter, *http.Request) {}, noSize: true, there: weightsOf(1 << 20), requests: 1},
		"size unknown, half there":     {answer: func(http.ResponseWriter, *http.Request) {}, noSize: true, there: half, requests: 1},
		"size unknown, too much there": {answer: func(http.ResponseWriter, *http.Request) {}, noSize: true, there: weightsOf(1<<20) + "x", requests: 2},
	} {
		h, cache := newHub(t, minilm()), t.TempDir()
		client, _ := h.client(t, cache)
		h.plant(t, cache, c.there)
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if c.noSize && r.Method == http.MethodHead {
				h.serveHub(noHeader{w, "X-Linked-Size"}, r)
				return true
			}
			if r.Host == strings.TrimPrefix(h.cdn.URL, "http://") && r.Header.Get("Range") != "" {
				rec := httptest.NewRecorder()
				c.answer(rec, r)
				if rec.Code != http.StatusOK {
					w.WriteHeader(rec.Code)
					return true
				}
			}
			return false
		}
		if _, err := client.Pull(t.Context(), model, onlyWeights); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h.wantWeights(t, cache)
		if n := len(h.ranges()); n != c.requests {
			t.Errorf("%s: %d requests; want %d", name, n, c.requests)
		}
	}
}

// noHeader leaves a header out.
type noHeader struct {
	http.ResponseWriter
	name string
}

func (w noHeader) WriteHeader(code int) {
	w.Header().Del(w.name)
	w.ResponseWriter.WriteHeader(code)
}

func TestWrongContentsAreRemoved(t *testing.T) {
	right := minilm()
	for name, c := range map[string]struct{ file, content, want string }{
		"LFS":       {"model.safetensors", strings.Repeat("x", 1<<20), etag("model.safetensors", right["model.safetensors"])},
		"git":       {"vocab.txt", "hallo\n", "ce013625030ba8dba906f756967f9e9ca394464a"},
		"too long":  {"model.safetensors", right["model.safetensors"] + "x", "1048577 bytes; want 1048576"},
		"no bound":  {"model.safetensors", strings.Repeat("x", 8<<20), "bytes; want 1048576"},
		"too short": {"model.safetensors", right["model.safetensors"][:100], "after 100 of 1048576 bytes"},
	} {
		h, cache := newHub(t, minilm()), t.TempDir()
		client, _ := h.client(t, cache)
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, c.file) && r.Method == http.MethodGet && (!large(c.file) || strings.Contains(h.cdn.URL, r.Host)) {
				h.content(w, r, c.file)
				return true
			}
			return false
		}
		h.say[c.file] = c.content
		client.Progress = func(e Event) {
			if e.Done > 2<<20 {
				t.Errorf("%s: %d bytes are taken of too many", name, e.Done)
			}
		}
		_, err := client.Pull(t.Context(), model, Options{})
		wantError(t, err, model+": "+c.file, c.want)
		for file, content := range tree(t, filepath.Join(cache, "models--org--minilm")) {
			if strings.Contains(file, "blobs/") && name != "too short" && strings.Contains(file, etag(c.file, right[c.file])) || strings.Contains(file, "refs/") {
				t.Errorf("%s: %s with %d bytes is left", name, file, len(content))
			}
		}
		delete(h.say, c.file)
		pull(t, client, Options{})
		h.wantWeights(t, cache)
	}
}

func TestCancelledDownloadGoesOnLater(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	c, slept := h.client(t, cache)
	ctx, cancel := context.WithCancel(t.Context())
	c.Progress = func(e Event) {
		if e.Kind == Fetching && e.Done > 100_000 {
			cancel()
		}
	}
	_, err := c.Pull(ctx, model, onlyWeights)
	wantError(t, err, "model.safetensors", "kept")
	if !errors.Is(err, context.Canceled) || len(*slept) > 0 {
		t.Errorf("error %v after sleeps %v; want that it is cancelled at once", err, *slept)
	}
	_, partial := h.blobs(cache)
	info, err := os.Stat(partial)
	if err != nil || info.Size() <= 100_000 || info.Size() == 1<<20 {
		t.Fatalf("the incomplete file: %v, error %v; want a part", info, err)
	}
	h.requests()
	c.Progress = nil
	pull(t, c, onlyWeights)
	h.wantWeights(t, cache)
	if got, want := h.ranges(), []string{fmt.Sprintf("bytes=%d-", info.Size())}; !slices.Equal(got, want) {
		t.Errorf("ranges %q; want %q", got, want)
	}

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = c.Pull(ctx, model, Options{})
	if wantError(t, err, model); !errors.Is(err, context.Canceled) || len(*slept) > 0 {
		t.Errorf("error %v after sleeps %v; want that it is cancelled at once", err, *slept)
	}
}

// fullDisk takes some bytes.
type fullDisk struct {
	w    io.Writer
	left int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= d.left {
		d.left -= len(p)
		return d.w.Write(p)
	}
	n, err := d.w.Write(p[:d.left])
	d.left = 0
	return n, errors.Join(err, &os.PathError{Op: "write", Path: "file", Err: syscall.ENOSPC})
}

func TestFullDiskKeepsWhatIsThere(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	c, slept := h.client(t, cache)
	c.wrap = func(w io.Writer) io.Writer { return &fullDisk{w, 700_001} }
	_, err := c.Pull(t.Context(), model, onlyWeights)
	wantError(t, err, "model.safetensors", "make room")
	if !errors.Is(err, syscall.ENOSPC) || len(*slept) > 0 {
		t.Errorf("error %v after sleeps %v; want that the disk is full, at once", err, *slept)
	}
	h.requests()
	c.wrap = nil
	pull(t, c, onlyWeights)
	h.wantWeights(t, cache)
	if got, want := h.ranges(), []string{"bytes=700001-"}; !slices.Equal(got, want) {
		t.Errorf("ranges %q; want %q", got, want)
	}
}

func TestProgressTellsOfEachFile(t *testing.T) {
	h := newHub(t, minilm())
	c, _ := h.client(t, t.TempDir())
	h.cut(300_000, 1)
	var kinds []EventKind
	var last Event
	c.Progress = func(e Event) {
		if len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind {
			kinds = append(kinds, e.Kind)
		}
		last = e
	}
	pull(t, c, onlyWeights)
	if want := []EventKind{Began, Fetching, Waiting, Fetching, Fetched}; !slices.Equal(kinds, want) {
		t.Errorf("events %v; want %v", kinds, want)
	}
	if want := (Event{File: "model.safetensors", Kind: Fetched, Done: 1 << 20, Size: 1 << 20}); last != want {
		t.Errorf("the last is %+v; want %+v", last, want)
	}
	pull(t, c, onlyWeights)
	if last.Kind != Cached || last.Size != 1<<20 {
		t.Errorf("the last is %+v; want that it was in the cache", last)
	}
}

func TestLinksWhereTheSystemHasNone(t *testing.T) {
	no := func(string, string) error { return errors.ErrUnsupported }
	t.Cleanup(func() { symlink, hardlink = os.Symlink, os.Link })
	for _, take := range []func(){func() {}, func() { symlink = no }, func() { hardlink = no }} {
		take()
		h := newHub(t, minilm())
		c, _ := h.client(t, t.TempDir())
		s := pull(t, c, Options{})
		if text, err := os.ReadFile(filepath.Join(s.Dir, "1_Pooling", "config.json")); err != nil || string(text) != h.files["1_Pooling/config.json"] {
			t.Errorf("the file holds %q, error %v", text, err)
		}
		if _, ok, err := Find(model); !ok || err != nil {
			t.Errorf("Find gives %v, %v; want the model", ok, err)
		}
	}
}

func TestLockIsOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("it waits, alone") })
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no locks here")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := 0
	if _, err := lock(ctx, path, func() { waited++; cancel() }); !errors.Is(err, context.Canceled) || waited != 1 {
		t.Errorf("error %v, told %d times; want that it waits until it is cancelled", err, waited)
	}
	unlock()
	unlock, err = lock(t.Context(), path, func() { t.Error("it waits for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
