package netfilter

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func numbered(t testing.TB, i int) *Packet {
	return wire{proto: UDP, src: fmt.Sprint("10.0.0.1:", i), dst: "10.0.0.2:2"}.packet(t)
}

func TestAQueueDeliversInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		q := NewQueue(func(p *Packet) { got = append(got, int(p.Tuple().Src().Port())) })
		want := []int{}
		for i := range 5000 {
			if i%maxBacklog == maxBacklog-1 {
				synctest.Wait()
			}
			assert.True(t, q.Push(numbered(t, i)))
			want = append(want, i)
		}
		q.Close()
		assert.Equal(t, want, got)
		q.Close()
		late := numbered(t, 1)
		assert.False(t, q.Push(late))
		late.Release()
	})
}

func TestAFullQueueTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := make(chan struct{})
		n := 0
		q := NewQueue(func(*Packet) { <-busy; n++ })
		assert.True(t, q.Push(numbered(t, 1)))
		synctest.Wait()
		for i := range maxBacklog {
			assert.True(t, q.Push(numbered(t, i)))
		}
		p := numbered(t, 1)
		assert.False(t, q.Push(p), "it stays the caller's")
		p.Release()
		close(busy)
		q.Close()
		assert.Equal(t, 1+maxBacklog, n)
	})
}

func TestAQueueThatWasNeverUsed(t *testing.T) {
	NewQueue(func(*Packet) {}).Close()
}

// A delivery may push on.
func TestADeliveryMayPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q *Queue
		n := 0
		q = NewQueue(func(p *Packet) {
			if n++; n < 100 {
				assert.True(t, q.Push(numbered(t, n)))
			}
		})
		assert.True(t, q.Push(numbered(t, 0)))
		synctest.Wait()
		q.Close()
		assert.Equal(t, 100, n)
	})
}

func TestAQueueIsClosedUnderTraffic(t *testing.T) {
	var mu sync.Mutex
	pushed, delivered := 0, 0
	q := NewQueue(func(*Packet) { delivered++ })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				p := numbered(t, i)
				if !q.Push(p) {
					p.Release()
					continue
				}
				mu.Lock()
				pushed++
				mu.Unlock()
			}
		})
	}
	wg.Go(q.Close)
	wg.Wait()
	q.Close()
	assert.Equal(t, pushed, delivered)
}
