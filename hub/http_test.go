package hub

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestTokenGoesToTheHubOnly(t *testing.T) {
	h := newHub(t, minilm())
	c, _ := h.client(t, t.TempDir())
	pull(t, c, Options{})
	if !h.auth["hub"] || h.auth["cdn"] {
		t.Errorf("the token went to the servers %v; want the hub only", h.auth)
	}
	if !slices.Contains(h.requests(), "cdn GET /model.safetensors") {
		t.Error("the other server was not asked; the test shows nothing")
	}
}

func TestOwnHost(t *testing.T) {
	c := &Client{Endpoint: "https://hub.org/sub"}
	for address, want := range map[string]bool{
		"https://hub.org/x": true, "https://HUB.org:443/x": true,
		"http://hub.org/x": false, "http://hub.org:443/x": false, "https://cdn.hub.org/x": false, "https://hub.org:8443/x": false, "https://hub.org.evil/x": false,
	} {
		req := httptest.NewRequest(http.MethodGet, address, http.NoBody)
		if got := c.own(req.URL); got != want {
			t.Errorf("%s: %v; want %v", address, got, want)
		}
	}
}

func TestRedirectsOfTheHub(t *testing.T) {
	// A model that has moved, as bert-base-uncased has.
	h, cache := newHub(t, minilm()), t.TempDir()
	c, _ := h.client(t, cache)
	h.instead = func(w http.ResponseWriter, r *http.Request) bool {
		moved := strings.Replace(r.URL.Path, "/old", "/"+model, 1)
		if moved != r.URL.Path {
			w.Header().Set("Location", moved) // without a host
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		return moved != r.URL.Path
	}
	if _, err := c.Pull(t.Context(), "old", Options{}); err != nil {
		t.Fatal(err)
	}
	if dir, ok, err := Find("old"); !ok || err != nil || !strings.Contains(dir, "models--old") {
		t.Errorf("Find gives %q, %v, %v; want the model by its old name", dir, ok, err)
	}

	h.instead = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return true
	}
	_, err := c.Pull(t.Context(), model, Options{})
	wantError(t, err, "redirects")

	safe := httptest.NewUnstartedServer(http.RedirectHandler(h.cdn.URL, http.StatusFound))
	safe.Config.ErrorLog = log.New(io.Discard, "", 0)
	safe.StartTLS()
	t.Cleanup(safe.Close)
	c.Endpoint, c.http.Transport = safe.URL, safe.Client().Transport
	h.requests()
	_, err = c.Pull(t.Context(), model, Options{})
	wantError(t, err, "want https")
	c.http.Transport = nil
	slept := 0
	c.Progress = func(Event) { slept++ }
	_, err = c.Pull(t.Context(), model, Options{})
	wantError(t, err, "certificate")
	if seen := h.requests(); len(seen) > 0 || slept > 0 {
		t.Errorf("requests %q and %d waits; want none", seen, slept)
	}
}

func TestBusyHubIsAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		after   string
		failing int
		want    []time.Duration
		err     string
	}{
		"503 twice":       {503, "", 2, []time.Duration{1e9, 2e9}, ""},
		"429 with a time": {429, "7", 1, []time.Duration{7e9}, ""},
		"500 for ever":    {500, "", -1, []time.Duration{1e9, 2e9, 4e9, 8e9}, "500 Internal Server Error; gave up after 5 tries"},
		"429 for an hour": {429, "3600", 1, nil, "1h0m0s"},
	} {
		for _, path := range []string{"/api/", "/resolve/"} {
			h, cache := newHub(t, minilm()), t.TempDir()
			client, slept := h.client(t, cache)
			failing := c.failing
			h.instead = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, path) || failing == 0 {
					return false
				}
				failing--
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
				return true
			}
			_, err := client.Pull(t.Context(), model, onlyWeights)
			switch {
			case c.err != "":
				wantError(t, err, c.err, fmt.Sprint(c.status))
			case err != nil:
				t.Errorf("%s: %v", name, err)
			}
			if !slices.Equal(*slept, c.want) {
				t.Errorf("%s, %s: slept %v; want %v", name, path, *slept, c.want)
			}
		}
	}
}

func TestStaleSignatureIsAskedForAgain(t *testing.T) {
	h, cache := newHub(t, minilm()), t.TempDir()
	c, slept := h.client(t, cache)
	stale := true
	h.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if !stale || r.Host != strings.TrimPrefix(h.cdn.URL, "http://") {
			return false
		}
		stale = false
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	pull(t, c, onlyWeights)
	h.wantWeights(t, cache)
	if len(*slept) != 1 {
		t.Errorf("slept %v; want once", *slept)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "soon": 0,
		"Thu, 29 Feb 2024 12:00:30 GMT": 30 * time.Second, "Thu, 29 Feb 2024 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s; want %s", text, got, want)
		}
	}
}

func TestSilentHub(t *testing.T) {
	for name, header := range map[string]bool{"nothing at all": false, "a header and silence": true} {
		h, cache := newHub(t, minilm()), t.TempDir()
		c, _ := h.client(t, cache)
		c.stall = 200 * time.Millisecond
		var asked atomic.Bool
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Host != strings.TrimPrefix(h.cdn.URL, "http://") || asked.Swap(true) {
				return false
			}
			if header {
				w.Header().Set("Content-Length", "1048576")
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
			return true
		}
		var notes []string
		c.Progress = func(e Event) {
			if e.Kind == Waiting {
				notes = append(notes, e.Note)
			}
		}
		pull(t, c, onlyWeights)
		h.wantWeights(t, cache)
		// On a busy machine there may be more than one.
		if len(notes) == 0 || !strings.Contains(notes[0], "nothing for 200ms") {
			t.Errorf("%s: notes %q; want the silence", name, notes)
		}
	}
}

func TestNoHubThere(t *testing.T) {
	h := newHub(t, minilm())
	c, slept := h.client(t, t.TempDir())
	h.hub.Close()
	_, err := c.Pull(t.Context(), model, Options{})
	wantError(t, err, "refused", "HF_ENDPOINT", "5 tries")
	if len(*slept) != 4 {
		t.Errorf("slept %v; want between five tries", *slept)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		code, message string
		token         bool
		head          bool // the model is shown, its files are not
		want          []string
	}{
		"not there":       {404, "RepoNotFound", "Repository not found", false, false, []string{"no model of that name"}},
		"no such":         {404, "", "", true, false, []string{"no model of that name"}},
		"private":         {401, "RepoNotFound", "Invalid username or password.", false, false, []string{"private", "set HF_TOKEN"}},
		"wrong token":     {401, "", "", true, false, []string{"the token that was sent", "check HF_TOKEN"}},
		"gated":           {401, "GatedRepo", "Access to model is restricted", false, true, []string{"gated", "ask for access at http://", "/org/minilm", "set HF_TOKEN"}},
		"gated for us":    {403, "GatedRepo", "not in the authorized list", true, true, []string{"gated", "ask for access"}},
		"forbidden":       {403, "", "Access to this resource is disabled.", true, true, []string{"forbids", "disabled"}},
		"wrong revision":  {404, "RevisionNotFound", "Invalid rev id: main", false, false, []string{`no revision "main"`, "/org/minilm/tree/main"}},
		"no such file":    {404, "EntryNotFound", "", false, true, []string{"config.json", "no such file"}},
		"something other": {418, "", "teapot", false, false, []string{"418", "teapot"}},
	} {
		h := newHub(t, minilm())
		client, slept := h.client(t, t.TempDir())
		if !c.token {
			client.Token = ""
		}
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if c.head && r.Method != http.MethodHead {
				return false
			}
			w.Header().Set("X-Error-Code", c.code)
			w.Header().Set("X-Error-Message", c.message)
			w.WriteHeader(c.status)
			return true
		}
		_, err := client.Pull(t.Context(), model, Options{})
		wantError(t, err, append(c.want, model)...)
		if len(*slept) > 0 {
			t.Errorf("%s: slept %v; want no other try", name, *slept)
		}
	}
}

func TestAnswersThatAreNoHubs(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		header http.Header
		body   string
		want   string
	}{
		"no JSON":        {http.MethodGet, nil, "<html>log in to the wireless network</html>", "HF_ENDPOINT"},
		"no commit":      {http.MethodGet, nil, "{}", "40 digits"},
		"no hash":        {http.MethodHead, nil, "", "SHA-256"},
		"hash of others": {http.MethodHead, http.Header{"Etag": {`"abc-1"`}}, "", `"abc-1"`},
		"hash leads out": {http.MethodHead, http.Header{"Etag": {`"../../../../x"`}}, "", "SHA-256"},
		"other commit":   {http.MethodHead, http.Header{"X-Repo-Commit": {commit2}}, "", commit2},
	} {
		h, cache := newHub(t, minilm()), t.TempDir()
		client, _ := h.client(t, cache)
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != c.method {
				return false
			}
			maps.Copy(w.Header(), c.header)
			fmt.Fprint(w, c.body)
			return true
		}
		_, err := client.Pull(t.Context(), model, Options{})
		wantError(t, err, c.want)
		if got := tree(t, cache); len(got) > 0 {
			t.Errorf("%s: the cache holds %v; want nothing", name, got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	home := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file(".cache/huggingface/token", "default\n")
	file("hf/token", " of-home \n")
	other := file("other", "of-path")
	for name, c := range map[string]struct {
		env  map[string]string
		want Client
	}{
		"nothing":     {nil, Client{Cache: filepath.Join(home, ".cache/huggingface/hub"), Token: "default"}},
		"XDG":         {map[string]string{"XDG_CACHE_HOME": "/xdg"}, Client{Cache: "/xdg/huggingface/hub"}},
		"HF_HOME":     {map[string]string{"XDG_CACHE_HOME": "/xdg", "HF_HOME": "~/hf"}, Client{Cache: filepath.Join(home, "hf/hub"), Token: "of-home"}},
		"old name":    {map[string]string{"HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old"}, Client{Cache: "/old"}},
		"cache":       {map[string]string{"HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/cache/"}, Client{Cache: "/cache"}},
		"variable":    {map[string]string{"HF_HUB_CACHE": "$SCRATCH/${USER}/$NONE", "SCRATCH": "/s", "USER": "u"}, Client{Cache: "/s/u/$NONE", Token: "default"}},
		"token":       {map[string]string{"HF_HOME": "/hf", "HF_TOKEN": "mine\n"}, Client{Cache: "/hf/hub", Token: "mine"}},
		"token path":  {map[string]string{"HF_HOME": "/hf", "HF_TOKEN_PATH": other}, Client{Cache: "/hf/hub", Token: "of-path"}},
		"endpoint":    {map[string]string{"HF_HOME": "/hf", "HF_ENDPOINT": "http://localhost:80/hf/"}, Client{Cache: "/hf/hub", Endpoint: "http://localhost:80/hf"}},
		"offline":     {map[string]string{"HF_HOME": "/hf", "HF_HUB_OFFLINE": "true"}, Client{Cache: "/hf/hub", Offline: true}},
		"not offline": {map[string]string{"HF_HOME": "/hf", "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, Client{Cache: "/hf/hub"}},
	} {
		getenv := func(key string) string {
			if v, ok := c.env[key]; ok || key != "HOME" {
				return v
			}
			return home
		}
		if c.want.Endpoint == "" {
			c.want.Endpoint = "https://huggingface.co"
		}
		got, err := fromEnv(getenv)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Cache != c.want.Cache || got.Token != c.want.Token || got.Endpoint != c.want.Endpoint || got.Offline != c.want.Offline {
			t.Errorf("%s: %+v; want %+v", name, *got, c.want)
		}
	}
	for _, env := range []map[string]string{{"HF_ENDPOINT": "huggingface.co"}, {"HF_ENDPOINT": "ftp://x"}, {"HF_TOKEN": "a secret"}, {"HF_TOKEN_PATH": home}} {
		env["HF_HOME"] = home
		_, err := fromEnv(func(key string) string { return env[key] })
		wantError(t, err)
	}
}
