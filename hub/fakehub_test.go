package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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

// cut makes the server of large files break the connection after some bytes, the
// given number of times.
func (h *fakeHub) cut(after, times int) {
	h.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Host != strings.TrimPrefix(h.cdn.URL, "http://") || times == 0 {
			return false
		}
		times--
		h.content(&cutWriter{w, after}, r, strings.TrimPrefix(r.URL.Path, "/"))
		panic(http.ErrAbortHandler)
	}
}

type cutWriter struct {
	http.ResponseWriter
	left int
}

func (w *cutWriter) Write(p []byte) (int, error) {
	p = p[:min(len(p), w.left)]
	w.left -= len(p)
	if len(p) == 0 {
		w.ResponseWriter.(http.Flusher).Flush()
		return 0, io.ErrShortWrite
	}
	return w.ResponseWriter.Write(p)
}
