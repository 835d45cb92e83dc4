package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// New returns a client as the environment says:
//
//   - the cache is $HF_HUB_CACHE, or else $HF_HOME/hub, where HF_HOME is
//     $XDG_CACHE_HOME/huggingface or ~/.cache/huggingface when it isn't set;
//   - the hub is $HF_ENDPOINT, or else https://huggingface.co;
//   - the token is $HF_TOKEN, or else in the file $HF_TOKEN_PATH, or else in
//     the file $HF_HOME/token, if that is there;
//   - with HF_HUB_OFFLINE=1 only the cache is used.
func New() (*Client, error) {
	c, err := fromEnv(os.Getenv)
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{
		// Redirects are followed by send, which knows where the token may go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.stall, c.tries, c.sleep = 30*time.Second, 5, sleep
	return c, nil
}

func fromEnv(getenv func(string) string) (c *Client, err error) {
	c = &Client{Endpoint: "https://huggingface.co"}
	if c.Cache, err = cacheFolder(getenv); err != nil {
		return nil, err
	}
	if e := getenv("HF_ENDPOINT"); e != "" {
		u, err := url.Parse(e)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("hub: HF_ENDPOINT is %q; want a URL such as https://huggingface.co", e)
		}
		c.Endpoint = strings.TrimRight(e, "/")
	}
	if c.Token, err = token(getenv); err != nil {
		return nil, err
	}
	offline := getenv("HF_HUB_OFFLINE")
	if offline == "" {
		offline = getenv("TRANSFORMERS_OFFLINE")
	}
	switch strings.ToUpper(offline) {
	case "1", "ON", "YES", "TRUE":
		c.Offline = true
	}
	return c, nil
}

// cacheFolder returns the folder of the cache, an absolute path.
func cacheFolder(getenv func(string) string) (string, error) {
	for _, key := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} { // the second is the first's old name
		if dir := getenv(key); dir != "" {
			return absolute(dir, getenv)
		}
	}
	home, err := homeFolder(getenv)
	return filepath.Join(home, "hub"), err
}

// homeFolder returns HF_HOME or what stands for it, an absolute path.
func homeFolder(getenv func(string) string) (string, error) {
	if dir := getenv("HF_HOME"); dir != "" {
		return absolute(dir, getenv)
	}
	if dir := getenv("XDG_CACHE_HOME"); dir != "" {
		return absolute(filepath.Join(dir, "huggingface"), getenv)
	}
	return absolute(filepath.Join("~", ".cache", "huggingface"), getenv)
}

// absolute resolves variables and ~ at the beginning, as huggingface_hub does.
func absolute(dir string, getenv func(string) string) (string, error) {
	dir = os.Expand(dir, func(key string) string {
		if v := getenv(key); v != "" {
			return v
		}
		return "$" + key
	})
	if dir == "~" || strings.HasPrefix(dir, "~"+string(filepath.Separator)) || strings.HasPrefix(dir, "~/") {
		home := getenv("HOME")
		if home == "" {
			var err error
			if home, err = os.UserHomeDir(); err != nil {
				return "", fmt.Errorf("hub: no folder for the cache: %w; set HF_HUB_CACHE", err)
			}
		}
		dir = filepath.Join(home, dir[1:])
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	return dir, nil
}

// token returns the user's token, "" when there is none. No error holds it.
func token(getenv func(string) string) (string, error) {
	text, from := getenv("HF_TOKEN"), "HF_TOKEN"
	if strings.TrimSpace(text) == "" {
		var err error
		if from, err = tokenPath(getenv); err != nil {
			return "", err
		}
		content, err := os.ReadFile(from)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("hub: the token: %w", err)
		}
		text = string(content)
	}
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("hub: the token of %s holds other than letters, digits and signs; copy it again", from)
	}
	return text, nil
}

func tokenPath(getenv func(string) string) (string, error) {
	if p := getenv("HF_TOKEN_PATH"); p != "" {
		return absolute(p, getenv)
	}
	home, err := homeFolder(getenv)
	return filepath.Join(home, "token"), err
}

// sleep waits, or returns the error of ctx when that is cancelled.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
