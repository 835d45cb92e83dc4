// Package par runs loops on a pool of workers that stay hot between calls.
//
// A loop is a number of tasks that any worker may take in any order, so a
// task's result must not depend on who runs it or when: split work by its
// shape, never by the number of threads, and the result is the same bit for
// bit on any number of them.
package par

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Task is the body of a parallel loop.
type Task interface {
	// Do runs task i.
	Do(i int)
}

// spins is how long an idle worker, or a caller whose workers are still busy,
// polls before it yields: about 50 µs, more than the gap between two kernels
// of a training step and less than waking a parked thread costs twice.
const spins = 50_000

// pool is the state of one set of workers. A worker joins the open loop by
// counting itself into state; a loop that ends before a parked worker has woken
// up does not wait for it.
type pool struct {
	mu       sync.Mutex // held by the caller whose loop runs
	threads  int
	task     Task
	tasks    int64
	next     atomic.Int64
	state    atomic.Uint64 // generation<<16 | open<<15 | workers joined
	finished atomic.Int64
	failed   atomic.Pointer[Panic] // the first one of a worker in the open loop
	parked   []atomic.Bool
	wake     []chan struct{}
	quit     atomic.Bool
	caller   atomic.Int64 // processor of the caller, when last looked up
}

const (
	openBit    = 1 << 15
	joinedMask = openBit - 1
	generation = 1 << 16
)

var current atomic.Pointer[pool]

func init() { SetThreads(runtime.GOMAXPROCS(0)) }

// Threads returns the number of workers, the caller of a loop among them.
func Threads() int { return current.Load().threads }

// SetThreads makes the pool n workers strong, at least one. It must not be
// called while a loop runs.
func SetThreads(n int) {
	n = min(max(n, 1), joinedMask)
	old := current.Load()
	if old != nil && old.threads == n {
		return
	}
	p := &pool{threads: n, parked: make([]atomic.Bool, n), wake: make([]chan struct{}, n)}
	for w := 1; w < n; w++ {
		p.wake[w] = make(chan struct{}, 1)
		go p.work(w)
	}
	current.Store(p)
	if old != nil {
		old.quit.Store(true)
		for w := 1; w < old.threads; w++ {
			old.unpark(w)
		}
	}
}

// Panic is what a task of a worker has panicked with: the caller of the loop panics with
// it, so that it can be recovered from.
type Panic struct {
	Value any
	Stack []byte // of the worker
}

// Error implements error.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\nin a worker:\n%s", p.Value, p.Stack) }

// Unwrap returns what the task has panicked with, if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// For runs tasks 0 to n-1 of t and returns when all are done. A call from
// within a task, or while another goroutine's loop runs, does all its tasks
// itself. When a task panics, For does, and other tasks may not have run.
func For(n int, t Task) {
	p := current.Load()
	if n <= 1 || p.threads == 1 || !p.mu.TryLock() {
		for i := range n {
			t.Do(i)
		}
		return
	}
	p.task, p.tasks = t, int64(n)
	p.next.Store(0)
	p.finished.Store(0)
	s := p.state.Load()/generation + 1
	if s%lookEvery == 0 || p.anyParked() {
		p.caller.Store(int64(currentCPU()))
	}
	p.state.Store(s*generation | openBit)
	for w := 1; w < p.threads; w++ {
		if p.parked[w].Load() {
			p.unpark(w)
		}
	}
	defer p.end()
	p.drain()
}

// end waits for the workers of a loop, also when a task of the caller has panicked.
func (p *pool) end() {
	p.next.Store(p.tasks)
	p.close()
	p.task = nil
	failed := p.failed.Swap(nil)
	p.mu.Unlock()
	if failed != nil {
		panic(failed)
	}
}

// lookEvery is the number of loops after which a worker looks whether it shares
// a processor with the caller; it does so too when it has been woken up.
const lookEvery = 256

func (p *pool) anyParked() bool {
	for w := 1; w < p.threads; w++ {
		if p.parked[w].Load() {
			return true
		}
	}
	return false
}

// separate moves a worker away from the caller's processor.
func (p *pool) separate() {
	if cpu := p.caller.Load(); cpu >= 0 && int(cpu) == currentCPU() {
		leaveCPU(int(cpu))
	}
}

// close lets no further worker in and waits for those that joined.
func (p *pool) close() {
	s := p.state.Load()
	for !p.state.CompareAndSwap(s, s&^openBit) {
		s = p.state.Load()
	}
	joined := int64(s & joinedMask)
	for i := 0; p.finished.Load() != joined; i++ {
		if i > spins {
			runtime.Gosched()
		}
	}
}

func (p *pool) drain() {
	for {
		i := p.next.Add(1) - 1
		if i >= p.tasks {
			return
		}
		p.task.Do(int(i))
	}
}

// join is a worker's part in a loop.
func (p *pool) join() {
	defer func() {
		if value := recover(); value != nil {
			p.failed.CompareAndSwap(nil, &Panic{value, debug.Stack()})
			p.next.Store(p.tasks)
		}
		p.finished.Add(1)
	}()
	p.drain()
}

func (p *pool) unpark(w int) {
	select {
	case p.wake[w] <- struct{}{}:
	default:
	}
}

// work is the life of one worker.
func (p *pool) work(w int) {
	runtime.LockOSThread() // separate moves the thread
	var done uint64        // generation of the last loop joined
	woken := false
	for idle := 0; !p.quit.Load(); idle++ {
		s := p.state.Load()
		if s&openBit != 0 && s/generation != done {
			if p.state.CompareAndSwap(s, s+1) {
				done = s / generation
				if woken || done%lookEvery == 0 {
					p.separate()
					woken = false
				}
				p.join()
			}
			idle = 0
			continue
		}
		if idle < spins {
			continue
		}
		p.parked[w].Store(true)
		if s := p.state.Load(); s&openBit == 0 || s/generation == done {
			<-p.wake[w]
		}
		p.parked[w].Store(false)
		woken, idle = true, 0
	}
}
