package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const mostRedirects = 10

// query is a request to the hub.
type query struct {
	method string
	url    string
	from   int64 // the first byte wanted

	// answers reports whether a redirect is the answer itself; nil means never.
	answers func(*http.Response) bool
}

// send makes a request and follows redirects. The token goes to the endpoint's
// own scheme, host and port only. Whoever gets the response closes its body.
// Neither status nor headers are looked at.
func (c *Client) send(ctx context.Context, q query) (*http.Response, error) {
	at, err := url.Parse(q.url)
	if err != nil {
		return nil, err
	}
	ctx, w := c.watch(ctx)
	for range mostRedirects {
		req, err := http.NewRequestWithContext(ctx, q.method, at.String(), http.NoBody)
		if err != nil {
			return nil, w.fail(at, err)
		}
		req.Header.Set("User-Agent", "kotoba")
		req.Header.Set("Accept-Encoding", "identity") // sizes and hashes are those of the content
		if q.from > 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", q.from))
		}
		if c.Token != "" && c.own(at) {
			req.Header.Set("Authorization", "Bearer "+c.Token)
		}
		w.begin()
		resp, err := c.http.Do(req)
		if err != nil {
			return nil, w.fail(at, err)
		}
		w.pause()
		resp.Body = &body{resp.Body, w, at}
		if !redirects(resp) || q.answers != nil && q.answers(resp) {
			return resp, nil
		}
		to, err := resp.Location()
		_ = resp.Body.(*body).ReadCloser.Close() // of no interest
		switch {
		case err != nil:
			return nil, w.fail(at, err)
		case to.Scheme != "https" && (to.Scheme != "http" || at.Scheme == "https"):
			w.stop()
			return nil, fmt.Errorf("%s sends us to %s://%s; want https", at.Host, to.Scheme, to.Host)
		}
		at = to
	}
	w.stop()
	return nil, fmt.Errorf("%s: more than %d redirects; check HF_ENDPOINT", at.Host, mostRedirects)
}

func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// own reports whether a URL is at the scheme, host and port of the endpoint.
func (c *Client) own(u *url.URL) bool {
	e, err := url.Parse(c.Endpoint)
	return err == nil && u.Scheme == e.Scheme && strings.EqualFold(u.Hostname(), e.Hostname()) && port(u) == port(e)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// transient is an error that may be gone the next time.
type transient struct {
	err   error
	after time.Duration // to wait at least, 0 where the server does not say
}

func (e *transient) Error() string { return e.err.Error() }
func (e *transient) Unwrap() error { return e.err }

var errStalled = errors.New("stalled")

// watch cancels a request, and the reading of its body, when the server is silent
// for too long.
type watch struct {
	parent, ctx context.Context // of one request
	cancel      context.CancelCauseFunc
	timer       *time.Timer
	most        time.Duration
}

func (c *Client) watch(parent context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(parent)
	return ctx, &watch{parent, ctx, cancel, time.AfterFunc(c.stall, func() { cancel(errStalled) }), c.stall}
}

// begin and pause enclose what waits for the server.
func (w *watch) begin() { w.timer.Reset(w.most) }
func (w *watch) pause() { w.timer.Stop() }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// fail ends the watch and returns what went wrong: the caller's cancellation,
// the silence, or err without the URL, which may hold a signature.
func (w *watch) fail(at *url.URL, err error) error {
	stalled := errors.Is(context.Cause(w.ctx), errStalled)
	w.stop()
	if w.parent.Err() != nil {
		return w.parent.Err()
	}
	if stalled {
		return &transient{err: fmt.Errorf("%s sent nothing for %s", at.Host, w.most)}
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	err = fmt.Errorf("%s: %w; check the connection, or HF_ENDPOINT", at.Host, err)
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	if errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &cert) {
		return err
	}
	return &transient{err: err}
}

// body is the body of a response under a watch.
type body struct {
	io.ReadCloser
	w  *watch
	at *url.URL
}

func (b *body) Read(p []byte) (int, error) {
	b.w.begin()
	n, err := b.ReadCloser.Read(p)
	b.w.pause()
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.w.fail(b.at, err)
	}
	return n, err
}

func (b *body) Close() error {
	b.w.stop()
	return b.ReadCloser.Close()
}

// longestWait is the longest that Retry-After may ask for.
const longestWait = 2 * time.Minute

// retry calls try until its error is nil or not transient, or it failed c.tries
// times in a row without a gain.
func (c *Client) retry(ctx context.Context, file string, try func() (gain bool, err error)) error {
	for failed := 0; ; {
		gain, err := try()
		var again *transient
		if err == nil || !errors.As(err, &again) {
			return err
		}
		if gain {
			failed = 0
		}
		if failed++; failed >= c.tries {
			return fmt.Errorf("%w; gave up after %d tries, run again later", err, failed)
		}
		wait := max(again.after, time.Second<<(failed-1))
		if wait > longestWait {
			return fmt.Errorf("%w, and asks to wait %s; run again then", err, wait)
		}
		c.tell(Event{File: file, Kind: Waiting, Note: fmt.Sprintf("%v; trying again in %s", err, wait)})
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.Atoi(text); err == nil && s > 0 {
		return time.Duration(min(s, 1<<30)) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
