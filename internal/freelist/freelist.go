// Package freelist keeps values for reuse.
package freelist

import "sync"

// List is a pool of values of type T. Unlike sync.Pool it is never emptied, so
// a steady state allocates nothing. It is safe for concurrent use.
type List[T any] struct {
	mu   sync.Mutex
	free []*T
}

// Get returns a value that was put back, as it was, or a zero one.
func (l *List[T]) Get() *T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		v := l.free[n-1]
		l.free = l.free[:n-1]
		return v
	}
	return new(T)
}

// Put takes a value back.
func (l *List[T]) Put(v *T) {
	l.mu.Lock()
	l.free = append(l.free, v)
	l.mu.Unlock()
}
