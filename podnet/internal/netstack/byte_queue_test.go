package netstack

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestByteQueueKeepsTheOrderOfBothPaths(t *testing.T) {
	var q byteQueue
	put := func(text string, sent int64) bool {
		n, _, ok := q.put([]byte(text), 100, sent)
		assert.Equal(t, ok, n == len(text))
		return ok
	}
	b := make([]byte, 100)
	take := func(received int64) (text string, stack int) {
		n, stack, _ := q.take(b, received)
		return string(b[:n]), stack
	}

	text, stack := take(0)
	assert.Equal(t, "", text)
	assert.Equal(t, len(b), stack, "all comes by packets")
	assert.False(t, put("too early", 10), "the receiver reads from the stack")
	q.tookFromStack()

	assert.True(t, put("after ten", 10))
	_, stack = take(4)
	assert.Equal(t, 6, stack, "what was sent by packets before")
	q.tookFromStack()
	text, _ = take(10)
	assert.Equal(t, "after ten", text)
	text, stack = take(10)
	assert.Equal(t, "", text)
	assert.Zero(t, stack, "what comes, comes by the queue")

	assert.True(t, put("more", 10))
	q.leave()
	assert.False(t, put("by packets", 10), "the queue is not empty")
	text, _ = take(10)
	assert.Equal(t, "more", text)
	_, stack = take(10)
	assert.Equal(t, len(b), stack)
	q.tookFromStack()

	assert.True(t, put("again", 20))
	q.end()
	assert.False(t, put("past the end", 20))
	text, _ = take(20)
	assert.Equal(t, "again", text)
	assert.Zero(t, q.close())
}

func TestByteQueueIsBounded(t *testing.T) {
	var q byteQueue
	const capacity = 300_000
	r := rand.New(rand.NewPCG(1, 2))
	source := rand.NewChaCha8([32]byte{})
	var put, taken bytes.Buffer
	for put.Len() < 10<<20 {
		b := make([]byte, 1+r.IntN(1<<r.IntN(20)))
		source.Read(b)
		n, first, ok := q.put(b, capacity, 0)
		require.True(t, ok)
		require.Equal(t, n > 0 && q.len() == n, first)
		require.LessOrEqual(t, q.len(), capacity)
		put.Write(b[:n])
		if n == 0 || r.IntN(2) == 0 {
			waited, resume := q.full, q.resume
			b := make([]byte, 1+r.IntN(1<<r.IntN(20)))
			m, _, resumed := q.take(b, 0)
			require.Equal(t, waited && q.len() <= resume, resumed)
			taken.Write(b[:m])
		}
	}
	rest := make([]byte, q.len())
	n, _, _ := q.take(rest, 0)
	taken.Write(rest[:n])
	assert.True(t, bytes.Equal(put.Bytes(), taken.Bytes()))
	assert.Nil(t, q.head, "an empty queue keeps no memory")

	_, _, ok := q.put(make([]byte, 100_000), capacity, 0)
	require.True(t, ok)
	unread := q.len()
	assert.Equal(t, unread, q.close())
	assert.Nil(t, q.head)
}
