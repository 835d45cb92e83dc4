package hub

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// file puts a file into the snapshot, if it isn't there.
func (c *Client) file(ctx context.Context, r repo, commit, file string) error {
	at := r.pointer(commit, file)
	if info, err := os.Stat(at); err == nil {
		c.tell(Event{File: file, Kind: Cached, Done: info.Size(), Size: info.Size()})
		return nil
	}
	m, err := c.head(ctx, r, commit, file)
	if err != nil {
		return err
	}
	blob := r.blob(m.etag)
	if err := os.MkdirAll(filepath.Dir(blob), 0o777); err != nil {
		return err
	}
	partial, keep := blob+".incomplete", true
	unlock, err := lock(ctx, r.lockPath(m.etag), func() {
		c.tell(Event{File: file, Kind: Waiting, Note: "another process fetches it; waiting for it to end"})
	})
	switch {
	case errors.Is(err, errors.ErrUnsupported): // a file for us alone, then
		partial, keep = blob+"."+rand.Text()+".incomplete", false
	case err != nil:
		return err
	default:
		defer unlock()
	}
	if info, err := os.Stat(blob); err == nil && (m.size < 0 || m.size == info.Size()) {
		c.tell(Event{File: file, Kind: Cached, Done: info.Size(), Size: info.Size()})
		return link(blob, at)
	}
	d := download{c: c, r: r, file: file, url: c.address(r, commit, file), meta: m, path: partial}
	if err := d.run(ctx); err != nil {
		if !keep || errors.Is(err, errWrong) {
			err = errors.Join(err, os.Remove(partial))
		}
		return err
	}
	if err := os.Rename(partial, blob); err != nil {
		return err
	}
	return link(blob, at)
}

// download is a file on its way from the hub to a path, which no one else writes to.
type download struct {
	meta
	c         *Client
	r         repo
	file, url string
	path      string
	f         *os.File
	out       io.Writer // f, wrapped by tests
	at        int64     // bytes that are there
}

// errDisk marks errors of writing.
var errDisk = errors.New("make room if the disk is full, and run again; what has come is kept")

// errWrong marks a content that is not what the hub said.
var errWrong = errors.New("it was removed, run again; if that fails too, do not trust this hub")

// run fetches what is missing, and checks the whole. The file stays as far as it is.
func (d *download) run(ctx context.Context) (err error) {
	if d.f, err = os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.f.Close()) }()
	d.out = d.f
	if d.c.wrap != nil {
		d.out = d.c.wrap(d.f)
	}
	if d.at, err = d.f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	if d.size >= 0 && d.at > d.size {
		if err := d.restart(); err != nil {
			return err
		}
	}
	d.tell(Began)
	most := d.at
	err = d.c.retry(ctx, d.file, func() (bool, error) {
		err := d.try(ctx)
		gain := d.at > most
		most = max(most, d.at)
		return gain, err
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w; what has come is kept, run again to go on", err)
	}
	if err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	if err := d.f.Sync(); err != nil {
		return fmt.Errorf("%w; %w", err, errDisk)
	}
	d.tell(Fetched)
	return nil
}

func (d *download) tell(k EventKind) {
	d.c.tell(Event{File: d.file, Kind: k, Done: d.at, Size: d.size})
}

// restart throws away what is there.
func (d *download) restart() error {
	d.at = 0
	if err := d.f.Truncate(0); err != nil {
		return err
	}
	_, err := d.f.Seek(0, io.SeekStart)
	return err
}

// try asks for the rest and writes what comes.
func (d *download) try(ctx context.Context) error {
	if d.at == d.size {
		return nil
	}
	resp, err := d.c.send(ctx, query{method: http.MethodGet, url: d.url, from: d.at})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	switch resp.StatusCode {
	case http.StatusOK:
		if d.at > 0 { // the server does not know of ranges
			if err := d.restart(); err != nil {
				return err
			}
		}
	case http.StatusPartialContent:
		if from := resp.Header.Get("Content-Range"); !strings.HasPrefix(from, fmt.Sprintf("bytes %d-", d.at)) {
			return d.again(fmt.Errorf("%s sends the range %.50q; want it from %d", resp.Request.URL.Host, from, d.at))
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if d.size < 0 && resp.Header.Get("Content-Range") == fmt.Sprintf("bytes */%d", d.at) {
			return nil // all was there
		}
		return d.again(fmt.Errorf("%s has no bytes from %d", resp.Request.URL.Host, d.at))
	default:
		return d.c.refused(d.r, resp)
	}
	return d.copy(ctx, resp.Body)
}

// again starts over after an answer that does not go with what is there.
func (d *download) again(err error) error {
	if err := d.restart(); err != nil {
		return err
	}
	return &transient{err: err}
}

// copy writes what comes, and one byte more than the file has at most.
func (d *download) copy(ctx context.Context, from io.Reader) error {
	buf := make([]byte, 1<<18)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := from.Read(buf)
		if n > 0 {
			n, err := d.out.Write(buf[:n])
			d.at += int64(n)
			if err != nil {
				return fmt.Errorf("%w; %w", err, errDisk)
			}
			d.tell(Fetching)
		}
		switch {
		case d.size >= 0 && d.at > d.size:
			return nil // check refuses it
		case errors.Is(err, io.EOF) && d.at < d.size:
			return &transient{err: fmt.Errorf("the connection ended after %d of %d bytes", d.at, d.size)}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// check compares size and hash with what the hub said.
func (d *download) check() error {
	sum, err := sum(d.f, len(d.etag))
	if err != nil {
		return err
	}
	switch {
	case d.size >= 0 && sum.size != d.size:
		err = fmt.Errorf("it has %d bytes; want %d", sum.size, d.size)
	case sum.hash != d.etag:
		err = fmt.Errorf("its hash is %s; want %s", sum.hash, d.etag)
	default:
		return nil
	}
	return fmt.Errorf("what came is not what the hub promised: %w; %w", err, errWrong)
}

type summed struct {
	hash string
	size int64
}

// sum returns the hash, of that many hexadecimal digits, and the size of a file:
// of 64 the SHA-256, of 40 the SHA-1 that git names it by.
func sum(f *os.File, digits int) (summed, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return summed{}, err
	}
	var h hash.Hash
	if digits == 2*sha256.Size {
		h = sha256.New()
	} else {
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", size)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return summed{}, err
	}
	if _, err := io.Copy(h, f); err != nil {
		return summed{}, err
	}
	return summed{hex.EncodeToString(h.Sum(nil)), size}, nil
}
