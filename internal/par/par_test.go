package par

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counter counts how often each task ran.
type counter struct {
	ran    []atomic.Int32
	bad    atomic.Int32
	nested bool
}

func (c *counter) Do(i int) {
	c.ran[i].Add(1)
	if c.nested {
		inner := &counter{ran: make([]atomic.Int32, 3)}
		For(3, inner)
		for j := range inner.ran {
			if inner.ran[j].Load() != 1 {
				c.bad.Add(1)
			}
		}
	}
}

func TestForRunsEveryTaskOnce(t *testing.T) {
	before := Threads()
	defer SetThreads(before)
	for _, threads := range []int{1, 2, 3, 8} {
		SetThreads(threads)
		if Threads() != threads {
			t.Fatalf("Threads() = %d after SetThreads(%d)", Threads(), threads)
		}
		for _, n := range []int{0, 1, 2, 7, 1000} {
			for round := range 20 {
				c := &counter{ran: make([]atomic.Int32, n), nested: round == 0}
				For(n, c)
				for i := range c.ran {
					if got := c.ran[i].Load(); got != 1 {
						t.Fatalf("%d threads, %d tasks: task %d ran %d times", threads, n, i, got)
					}
				}
				if c.bad.Load() != 0 {
					t.Fatalf("%d threads, %d tasks: a nested loop incomplete", threads, n)
				}
			}
		}
	}
}

func TestForWakesParkedWorkers(t *testing.T) {
	before := Threads()
	defer SetThreads(before)
	SetThreads(2)
	for range 3 {
		time.Sleep(2 * time.Millisecond) // long enough for the worker to park
		s := &sleeper{}
		For(2, s)
		if s.ran.Load() != 2 {
			t.Fatalf("%d of 2 tasks ran", s.ran.Load())
		}
	}
}

type sleeper struct{ ran atomic.Int32 }

func (s *sleeper) Do(int) { time.Sleep(time.Millisecond); s.ran.Add(1) }

func TestForAllocatesNothing(t *testing.T) {
	before := Threads()
	defer SetThreads(before)
	SetThreads(2)
	s := &counter{ran: make([]atomic.Int32, 2)}
	wakes := func() {
		time.Sleep(time.Millisecond) // long enough for the worker to park
		For(2, s)
	}
	if n := testing.AllocsPerRun(50, wakes); n != 0 {
		t.Errorf("a loop that wakes a worker allocates %v times", n)
	}
	SetThreads(before)
	c := &counter{ran: make([]atomic.Int32, 64)}
	if n := testing.AllocsPerRun(100, func() { For(64, c) }); n != 0 {
		t.Errorf("a loop allocates %v times", n)
	}
}

func BenchmarkForEmpty(b *testing.B) {
	c := &counter{ran: make([]atomic.Int32, 2)}
	for b.Loop() {
		For(2, c)
	}
}

// failing panics in one of its tasks, which others wait for.
type failing struct {
	which int
	began sync.WaitGroup
}

func (f *failing) Do(i int) {
	if i < 2 { // one each for the caller and for the worker
		f.began.Done()
		f.began.Wait()
	}
	if i == f.which {
		panic(io.ErrUnexpectedEOF)
	}
}

// TestPanicsReachTheCaller has the first task of the caller or of the worker panic, and
// uses the workers afterwards.
func TestPanicsReachTheCaller(t *testing.T) {
	before := Threads()
	defer SetThreads(before)
	SetThreads(2)
	for range 20 {
		for which := range 2 {
			f := &failing{which: which}
			f.began.Add(2)
			func() {
				defer func() {
					if err, _ := recover().(error); !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("recovered from %v; want what the task panicked with", err)
					}
				}()
				For(1000, f)
				t.Error("For returns after a panic")
			}()
			c := &counter{ran: make([]atomic.Int32, 50)}
			For(50, c)
			for i := range c.ran {
				if got := c.ran[i].Load(); got != 1 {
					t.Fatalf("after a panic task %d ran %d times", i, got)
				}
			}
		}
	}
}
