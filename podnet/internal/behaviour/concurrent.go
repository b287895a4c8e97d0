package behaviour

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// concurrentCases show what many goroutines on one socket get.
var concurrentCases = []Case{
	{Name: "concurrent: writes do not mix", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		const writers, size = 8, 256 << 10
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { c.Write(bytes.Repeat([]byte{byte('a' + i)}, size)) })
		}
		go func() { wg.Wait(); c.Close() }()
		all, err := io.ReadAll(s)
		n.Note(fmt.Sprint(len(all)), err)
		runs := 1
		for i := 1; i < len(all); i++ {
			if all[i] != all[i-1] {
				runs++
			}
		}
		n.Note("blocks", runs)
	}},
	{Name: "concurrent: reads share the stream", Run: func(n *Notebook, v Verbs) {
		c, s := n.pair(v)
		totals := make(chan int, 4)
		for range 4 {
			go func() {
				total, b := 0, make([]byte, 1000)
				for {
					m, err := s.Read(b)
					total += m
					if err != nil {
						totals <- total
						return
					}
				}
			}()
		}
		c.Write(make([]byte, 1<<20))
		c.Close()
		sum := 0
		for range 4 {
			sum += <-totals
		}
		n.Note("all of it", sum)
	}},
	{Name: "concurrent: Read, Write, deadlines and Close", Run: func(n *Notebook, v Verbs) {
		for range 20 {
			c, s := n.pair(v)
			go io.Copy(io.Discard, s)
			var wg sync.WaitGroup
			var mu sync.Mutex
			var bad []string
			check := func(what string, err error) bool {
				if err == nil || errors.Is(err, net.ErrClosed) {
					return err == nil
				}
				mu.Lock()
				defer mu.Unlock()
				bad = append(bad, what+": "+err.Error())
				return false
			}
			wg.Go(func() {
				for {
					if _, err := c.Write(make([]byte, 1000)); !check("write", err) {
						return
					}
				}
			})
			wg.Go(func() { _, err := c.Read(make([]byte, 1)); check("read", err) })
			wg.Go(func() {
				for check("deadline", c.SetDeadline(far())) {
					pause()
				}
			})
			wg.Go(func() {
				for check("no delay", c.(noDelayer).SetNoDelay(true)) {
					pause()
				}
			})
			begun()
			check("close", c.Close())
			wg.Wait()
			n.Note("wrong", strings.Join(bad, ", "))
		}
	}},
	{Name: "concurrent: Close by many succeeds once", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		results := make(chan error, 8)
		for range 8 {
			go func() { results <- c.Close() }()
		}
		closed := 0
		for range 8 {
			err := <-results
			if err == nil {
				closed++
			} else if !errors.Is(err, net.ErrClosed) {
				n.Note("close", err)
			}
		}
		n.Note("succeeded", closed)
	}},
	{Name: "concurrent: Accept by many takes each connection once", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		accepted := make(chan string, 100)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					accepted <- c.RemoteAddr().String()
					c.Close()
				}
			})
		}
		var dialed, got []string
		for range 40 {
			dialed = append(dialed, n.dial(v, "tcp", l.Addr().String()).LocalAddr().String())
		}
		for range 40 {
			got = append(got, <-accepted)
		}
		l.Close()
		wg.Wait()
		slices.Sort(dialed)
		slices.Sort(got)
		n.Note("each once", slices.Equal(dialed, got))
	}},
	{Name: "concurrent: dials from many", Run: func(n *Notebook, v Verbs) {
		l := n.listen(v, "tcp", loopback)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() { io.Copy(c, c); c.Close() }()
			}
		}()
		results := make(chan error, 64)
		for i := range 64 {
			go func() {
				results <- func() error {
					c, err := v.Dial(n.ctx, "tcp", l.Addr().String())
					if err != nil {
						return err
					}
					defer c.Close()
					want := fmt.Sprint("hello ", i)
					if _, err := io.WriteString(c, want); err != nil {
						return err
					}
					if err := c.(closeWriter).CloseWrite(); err != nil {
						return err
					}
					got, err := io.ReadAll(c)
					if string(got) != want {
						return fmt.Errorf("got %q, %v", got, err)
					}
					return err
				}()
			}()
		}
		for range 64 {
			n.Must(<-results)
		}
		n.Note("all", "well")
	}},
	{Name: "concurrent: datagrams from many arrive whole", Run: func(n *Notebook, v Verbs) {
		p := n.listenPacket(v, "udp", loopback)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() { p.WriteTo(bytes.Repeat([]byte{byte('a' + i)}, 100), p.LocalAddr()) })
		}
		wg.Wait()
		var got []string
		b := make([]byte, 200)
		for range 8 {
			m, _, err := p.ReadFrom(b)
			n.Must(err)
			got = append(got, fmt.Sprintf("%d %c %v", m, b[0], bytes.Count(b[:m], b[:1]) == m))
		}
		slices.Sort(got)
		n.Note("got", strings.Join(got, ", "))
	}},
	{Name: "concurrent: deadlines set by many", Run: func(n *Notebook, v Verbs) {
		c, _ := n.pair(v)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					c.SetReadDeadline(far())
				}
			})
		}
		wg.Wait()
		n.Must(c.SetReadDeadline(time.Now()))
		n.read("read", c, 1)
	}},
}
