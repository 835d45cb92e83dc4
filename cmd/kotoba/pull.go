package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/kotoba-nlp/kotoba/hub"
	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/pipeline"
)

// pulling is what the flags of pull say.
type pulling struct {
	options hub.Options
	dir     string
	force   bool
}

func newPull() *cobra.Command {
	var p pulling
	c := &cobra.Command{
		Use:   "pull ORG/NAME",
		Short: "Fetch a model from a hub such as Hugging Face's",
		Long: `pull fetches the files of a model that an encoder needs, and prints the folder that
they are in. Files that are there already are not fetched again, and a download that was
cut off goes on where it was.

The folder is in the cache that Python's huggingface_hub uses too: in $HF_HUB_CACHE, or
else $HF_HOME/hub, or else huggingface/hub in $XDG_CACHE_HOME or ~/.cache. HF_ENDPOINT is another hub's URL,
HF_TOKEN the token for private and gated models; with HF_HUB_OFFLINE=1 only the cache
is looked at.`,
		Example: `  kotoba pull sentence-transformers/all-MiniLM-L6-v2
  kotoba embed "$(kotoba pull sentence-transformers/all-MiniLM-L6-v2)" < sentences.txt
  kotoba pull google-bert/bert-base-uncased --revision main --dir bert
  kotoba pull google-bert/bert-base-uncased --include vocab.txt --include 'tokenizer*'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			dir, err := p.run(ctx, c.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			w := newOutput(c)
			fmt.Fprintln(w, dir)
			return w.flush()
		},
	}
	f := c.Flags()
	f.StringVar(&p.options.Revision, "revision", "main", "branch, tag or commit")
	f.StringArrayVar(&p.options.Include, "include", nil, "fetch the files that match this instead, * standing for anything without a slash")
	f.StringVar(&p.dir, "dir", "", "copy the files to this folder, and print it")
	f.BoolVar(&p.force, "force", false, "replace other files in the folder of --dir")
	return c
}

// run returns the folder that the files are in.
func (p pulling) run(ctx context.Context, w io.Writer, name string) (string, error) {
	client, err := hub.New()
	if err != nil {
		return "", err
	}
	if p.dir != "" {
		if err := os.MkdirAll(p.dir, 0o755); err != nil { // before the long download
			return "", fmt.Errorf("%w; name another folder", err)
		}
	}
	b := newPullBar(w)
	client.Progress = b.update
	s, err := client.Pull(ctx, name, p.options)
	b.finish()
	if err != nil || p.dir == "" {
		return s.Dir, err
	}
	for _, file := range s.Files {
		file = filepath.FromSlash(file)
		if err := p.copy(filepath.Join(s.Dir, file), filepath.Join(p.dir, file)); err != nil {
			return "", err
		}
	}
	return p.dir, nil
}

// modelFolder returns the folder that a name is of: that folder, or where there is none the
// model ORG/NAME, or ORG/NAME@REVISION, in the cache of what was pulled.
func modelFolder(name string) (string, error) {
	if name == "" {
		return "", errors.New("the name of the model is empty; name a folder of a BERT model in the layout of Hugging Face, or one that was pulled")
	}
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	dir, ok, err := hub.Find(name)
	if err == nil && !ok {
		err = fmt.Errorf("there is no folder %s, and no model of that name has been pulled; name a folder of a BERT model in the layout of Hugging Face, or fetch one with kotoba pull (a revision other than main is then NAME@REVISION)", name)
	}
	return dir, err
}

// openEncoder opens a folder, or a model that was pulled, and says which folder it is.
func openEncoder(name string) (e *pipeline.Encoder, dir string, err error) {
	if dir, err = modelFolder(name); err != nil {
		return nil, "", err
	}
	e, err = pipeline.Open(dir)
	return e, dir, err
}

// copy makes a copy of a file, if there is none yet.
func (p pulling) copy(from, to string) error {
	if same, err := atomicfile.Same(from, to); same || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return writeNew(to, p.force, atomicfile.CopyOf(from))
}

// pullBar shows how a download goes: on a terminal a bar for each file with bytes
// and speed, elsewhere a line for each file.
type pullBar struct {
	w    io.Writer
	bars *mpb.Progress // nil when w is not a terminal
	bar  *mpb.Bar      // of the file that is on its way
}

func newPullBar(w io.Writer) *pullBar {
	b := &pullBar{w: w}
	if isTerminal(w) {
		b.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
		b.w = b.bars // writes above the bars
	}
	return b
}

func (b *pullBar) update(e hub.Event) {
	name := e.File
	if name != "" {
		name += ": "
	}
	switch e.Kind {
	case hub.Cached:
		fmt.Fprintf(b.w, "%s%s, in the cache\n", name, sizeText(e.Done))
	case hub.Waiting:
		fmt.Fprintf(b.w, "%s%s\n", name, e.Note)
	case hub.Began:
		b.begin(e)
	case hub.Fetching:
		if b.bar != nil {
			b.bar.SetCurrent(e.Done)
		}
	case hub.Fetched:
		if b.bar != nil {
			b.bar.SetTotal(e.Done, true)
			b.bar = nil
			return
		}
		fmt.Fprintf(b.w, "%s%s\n", name, sizeText(e.Done))
	}
}

func (b *pullBar) begin(e hub.Event) {
	if b.bars == nil {
		return
	}
	began := time.Now()
	right := func(s decor.Statistics) string {
		line := sizeText(s.Current)
		if e.Size >= 0 {
			line += " of " + sizeText(e.Size)
		}
		if t := time.Since(began).Seconds(); t > 0 && s.Current > e.Done && !s.Completed {
			line += fmt.Sprintf("  %s/s", sizeText(int64(float64(s.Current-e.Done)/t)))
		}
		return line
	}
	b.bar = b.bars.AddBar(max(e.Size, 0),
		mpb.PrependDecorators(decor.Name(e.File, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(right)))
	b.bar.SetCurrent(e.Done)
}

// finish leaves what is on the screen, the bar of a failed file as it is.
func (b *pullBar) finish() {
	if b.bars == nil {
		return
	}
	if b.bar != nil {
		b.bar.Abort(false)
	}
	b.bars.Wait()
}

// sizeText writes a number of bytes for people.
func sizeText(n int64) string {
	f, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; f >= 1024 && i < len(units)-1; i++ {
		f /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
