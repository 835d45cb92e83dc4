package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/kotoba-nlp/kotoba/train"
)

// trainBar shows how training goes: on a terminal a bar with step, loss, speed
// and time left, elsewhere a line now and then.
type trainBar struct {
	w       io.Writer
	bars    *mpb.Progress // nil when w is not a terminal
	bar     *mpb.Bar
	total   int
	printed time.Time
	began   time.Time

	mu    sync.Mutex // of what follows, which the terminal's goroutine reads
	last  train.Progress
	valid string
	first int // step at which this session began
}

// linesEvery is the time between two lines where there is no terminal.
const linesEvery = 10 * time.Second

// newTrainBar returns a bar of total steps, 0 when that is not known.
func newTrainBar(w io.Writer, total int) *trainBar {
	b := &trainBar{w: w, total: total, began: time.Now(), printed: time.Now()}
	if !isTerminal(w) {
		return b
	}
	b.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
	b.bar = b.bars.AddBar(int64(total), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.line() })))
	return b
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// line describes the last step.
func (b *trainBar) line() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.last
	s := fmt.Sprintf("step %d  loss %.3f  %.0f tokens/s", p.Step, p.Loss, p.TokensPerSec)
	if done := p.Step - b.first; b.total > p.Step && done > 0 {
		left := time.Since(b.began) / time.Duration(done) * time.Duration(b.total-p.Step)
		s += fmt.Sprintf("  %s left", round(left))
	}
	return s + b.valid
}

// note keeps what line describes.
func (b *trainBar) note(p train.Progress, v *train.Validation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.Step == 0 {
		b.first = p.Step - 1
	}
	b.last = p
	if v != nil {
		b.valid = "  (" + describe(*v) + ")"
	}
}

func (b *trainBar) update(p train.Progress, v *train.Validation) {
	b.note(p, v)
	if b.bar != nil {
		b.bar.SetCurrent(int64(p.Step))
		return
	}
	if v != nil || time.Since(b.printed) > linesEvery {
		fmt.Fprintln(b.w, b.line())
		b.printed = time.Now()
	}
}

// finish leaves the last state of the bar on the screen.
func (b *trainBar) finish() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(false)
	b.bars.Wait()
}
