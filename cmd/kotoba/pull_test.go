package main

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serveModel is a hub with one model, o/m.
func serveModel(t *testing.T) *httptest.Server {
	t.Helper()
	const commit = "0123456789012345678901234567890123456789"
	files := map[string]string{"config.json": "{}", "model.safetensors": "weights", "1_Pooling/config.json": "{}"}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/models/o/m/revision/main", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"sha": %q, "siblings": [{"rfilename": "model.safetensors"}, {"rfilename": "config.json"}, {"rfilename": "1_Pooling/config.json"}]}`, commit)
	})
	mux.HandleFunc("/o/m/resolve/"+commit+"/", func(w http.ResponseWriter, r *http.Request) {
		content := files[strings.TrimPrefix(r.URL.Path, "/o/m/resolve/"+commit+"/")]
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func runPull(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	c := newPull()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errs)
	c.SilenceErrors, c.SilenceUsage = true, true
	err = c.Execute()
	return out.String(), errs.String(), err
}

func TestPullPrintsTheFolder(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("HF_ENDPOINT", serveModel(t).URL)
	t.Setenv("HF_HUB_CACHE", cache)
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("HF_TOKEN", "none")
	snapshot := filepath.Join(cache, "models--o--m", "snapshots", "0123456789012345678901234567890123456789") + "\n"
	for _, end := range []string{"", ", in the cache"} {
		out, errs, err := runPull("o/m")
		want := fmt.Sprintf("1_Pooling/config.json: 2 B%[1]s\nconfig.json: 2 B%[1]s\nmodel.safetensors: 7 B%[1]s\n", end)
		if end == "" { // the two files of one content are one blob
			want = "1_Pooling/config.json: 2 B\nconfig.json: 2 B, in the cache\nmodel.safetensors: 7 B\n"
		}
		if out != snapshot || errs != want || err != nil {
			t.Errorf("stdout %q, stderr %q, error %v; want %q and %q", out, errs, err, snapshot, want)
		}
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	if out, _, err := runPull("o/m", "--revision", "main", "--include", "*.json"); out != snapshot || err != nil {
		t.Errorf("offline: %q, error %v; want %q", out, err, snapshot)
	}
	for _, args := range [][]string{{}, {"o/m", "o/n"}, {"o/none"}, {"o/m", "--revision", "v2"}, {"o/m", "--include", "x*"}} {
		if out, _, err := runPull(args...); out != "" || err == nil {
			t.Errorf("%q: stdout %q, error %v; want a refusal", args, out, err)
		}
	}
}

func TestPullCopiesToAFolder(t *testing.T) {
	t.Setenv("HF_ENDPOINT", serveModel(t).URL)
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("HF_TOKEN", "none")
	dir := filepath.Join(t.TempDir(), "a", "b")
	weights := filepath.Join(dir, "model.safetensors")
	check := func(args []string, content, refusal string) {
		t.Helper()
		out, _, err := runPull(append([]string{"o/m", "--dir", dir}, args...)...)
		switch {
		case refusal == "" && (err != nil || out != dir+"\n"):
			t.Errorf("stdout %q, error %v; want the folder", out, err)
		case refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal)):
			t.Errorf("error %v; want %q", err, refusal)
		}
		info, err := os.Lstat(weights)
		if err != nil || !info.Mode().IsRegular() {
			t.Errorf("the file: %v, error %v; want one of its own", info, err)
		}
		if text, err := os.ReadFile(weights); err != nil || string(text) != content {
			t.Errorf("the file holds %q, error %v; want %q", text, err, content)
		}
	}
	check(nil, "weights", "")
	check(nil, "weights", "") // what is the same stays
	for _, other := range []string{"mine", "weights and more", "Weights", ""} {
		if err := os.WriteFile(weights, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		check(nil, other, "--force")
	}
	check([]string{"--force"}, "weights", "")
	if text, err := os.ReadFile(filepath.Join(dir, "1_Pooling", "config.json")); err != nil || string(text) != "{}" {
		t.Errorf("the file below holds %q, error %v", text, err)
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 29: "1.5 GiB", 1 << 50: "1024.0 TiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: %s; want %s", n, got, want)
		}
	}
}
