package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// mostListing is the longest list of files that is read, in bytes.
const mostListing = 64 << 20

// list asks the hub for the commit of a revision and the names of its files.
func (c *Client) list(ctx context.Context, r repo) (commit string, names []string, err error) {
	address := c.Endpoint + "/api/models/" + r.name + "/revision/" + url.PathEscape(r.revision)
	var info struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	err = c.retry(ctx, "", func() (bool, error) {
		resp, err := c.send(ctx, query{method: http.MethodGet, url: address})
		if err != nil {
			return false, err
		}
		defer func() { _ = resp.Body.Close() }() // only read
		if resp.StatusCode != http.StatusOK {
			return false, c.refused(r, resp)
		}
		text, err := io.ReadAll(io.LimitReader(resp.Body, mostListing))
		if err != nil {
			return false, err
		}
		if err := json.Unmarshal(text, &info); err != nil {
			return false, fmt.Errorf("%s: %w; want JSON of a hub, check HF_ENDPOINT", resp.Request.URL.Host, err)
		}
		return false, nil
	})
	if err != nil {
		return "", nil, err
	}
	if !commitForm.MatchString(info.SHA) {
		return "", nil, fmt.Errorf("%s says that revision %s is commit %.50q; want 40 digits, check HF_ENDPOINT", c.host(), r.revision, info.SHA)
	}
	for _, s := range info.Siblings {
		names = append(names, s.Name)
	}
	return info.SHA, names, nil
}

func (c *Client) host() string {
	_, host, _ := strings.Cut(c.Endpoint, "://")
	return host
}

// address is the URL of a file.
func (c *Client) address(r repo, commit, file string) string {
	parts := strings.Split(file, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return c.Endpoint + "/" + r.name + "/resolve/" + commit + "/" + strings.Join(parts, "/")
}

// meta is what the hub says of a file's content.
type meta struct {
	etag string // SHA-256 of it, or for a small file git's SHA-1
	size int64  // -1 where it is not said
}

var etagForm = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// head asks for the hash and the size of a file. It does not follow redirects
// from the hub to where the content is: only the hub knows the hash.
func (c *Client) head(ctx context.Context, r repo, commit, file string) (m meta, err error) {
	q := query{method: http.MethodHead, url: c.address(r, commit, file), answers: func(resp *http.Response) bool {
		h := resp.Header
		return h.Get("X-Linked-Etag") != "" || h.Get("X-Repo-Commit") != "" && !sameHost(resp)
	}}
	err = c.retry(ctx, file, func() (bool, error) {
		resp, err := c.send(ctx, q)
		if err != nil {
			return false, err
		}
		defer func() { _ = resp.Body.Close() }() // of a HEAD, empty
		if resp.StatusCode != http.StatusOK && !redirects(resp) {
			return false, c.refused(r, resp)
		}
		if at := resp.Header.Get("X-Repo-Commit"); at != "" && at != commit {
			return false, fmt.Errorf("the hub has it of commit %.50q; want %s, run again", at, commit)
		}
		m, err = metaOf(resp)
		return false, err
	})
	return m, err
}

// sameHost reports whether a redirect stays where it is.
func sameHost(resp *http.Response) bool {
	to, err := resp.Location()
	return err == nil && to.Host == resp.Request.URL.Host
}

func metaOf(resp *http.Response) (meta, error) {
	h := resp.Header
	m := meta{etag: h.Get("X-Linked-Etag"), size: -1}
	if m.etag == "" {
		m.etag = h.Get("ETag")
	}
	m.etag = strings.Trim(strings.TrimPrefix(m.etag, "W/"), `"`)
	if !etagForm.MatchString(m.etag) {
		return m, fmt.Errorf("%s gives the hash %.80q; want a SHA-256, or a SHA-1 of git, check HF_ENDPOINT", resp.Request.URL.Host, m.etag)
	}
	if n, err := strconv.ParseInt(h.Get("X-Linked-Size"), 10, 64); err == nil && n >= 0 {
		m.size = n
	} else if !redirects(resp) {
		m.size = resp.ContentLength
	}
	return m, nil
}

// refused says why the hub, or where it sent us to, did not give what was asked
// for, and what to do.
func (c *Client) refused(r repo, resp *http.Response) error {
	code, at := resp.StatusCode, resp.Request.URL
	answer := fmt.Errorf("%s answers %s", at.Host, resp.Status)
	if code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500 {
		return &transient{answer, retryAfter(resp.Header, time.Now())}
	}
	if !c.own(at) {
		// A place that takes signed URLs; another try gets a fresh one.
		return &transient{err: answer}
	}
	page := c.Endpoint + "/" + r.name
	token := "no token was sent, set HF_TOKEN to one that may read it"
	if c.Token != "" {
		token = "the token that was sent may not read it, check HF_TOKEN"
	}
	switch why := resp.Header.Get("X-Error-Code"); {
	case why == "GatedRepo":
		return fmt.Errorf("it is gated: ask for access at %s; %s", page, token)
	case why == "RevisionNotFound":
		return fmt.Errorf("there is no revision %q; see %s/tree/main for those that are", r.revision, page)
	case why == "EntryNotFound":
		return fmt.Errorf("there is no such file at %s", page)
	case code == http.StatusNotFound:
		return fmt.Errorf("%s has no model of that name; check it, or if it is private: %s", c.Endpoint, token)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s has no model of that name for us (%s); check it, or if it is private or gated: %s", c.Endpoint, resp.Status, token)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s forbids it%s; see %s; %s", c.Endpoint, because(resp), page, token)
	}
	return errors.New(answer.Error() + because(resp))
}

// because is the hub's own reason in parentheses, "" without one.
func because(resp *http.Response) string {
	if m := resp.Header.Get("X-Error-Message"); m != "" {
		return fmt.Sprintf(" (%.200q)", m)
	}
	return ""
}
