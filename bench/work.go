package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A work is what is done over a path.
type work struct {
	name  string
	needs func(Ends) bool
	open  func(testing.TB, Ends) *operation
}

// An operation is what is done again and again, on sockets that are open.
type operation struct {
	bytes  int64 // that it moves, if that is the point
	do     func() error
	finish func() error // if not nil, waits until all that was sent has arrived
}

var works = []work{
	{"rtt64", streams, roundTrip(64)},
	{"rtt1k", streams, roundTrip(1 << 10)},
	{"rtt64k", streams, roundTrip(64 << 10)},
	{"stream", streams, stream},
	{"connect", streams, connect},
	{"http", streams, get(true)},
	{"http-new", streams, get(false)},
	{"udp", datagrams, datagram},
	{"dns", names, lookup},
}

func streams(e Ends) bool   { return e.Listen != nil }
func datagrams(e Ends) bool { return e.ListenPacket != nil }
func names(e Ends) bool     { return e.Lookup != nil }

// roundTrip sends a message that comes back.
func roundTrip(size int) func(testing.TB, Ends) *operation {
	return func(tb testing.TB, e Ends) *operation {
		serve(tb, e, func(conn net.Conn) {
			for buf := make([]byte, size); ; {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				conn.Write(buf[:n])
			}
		})
		conn, buf := dial(tb, e), make([]byte, size)
		return &operation{do: func() error {
			if _, err := conn.Write(buf); err != nil {
				return err
			}
			_, err := io.ReadFull(conn, buf)
			return err
		}}
	}
}

// stream sends 64 KiB after 64 KiB one way.
func stream(tb testing.TB, e Ends) *operation {
	const size = 64 << 10
	received := make(chan int64, 1)
	serve(tb, e, func(conn net.Conn) {
		var sum int64
		for buf := make([]byte, size); ; {
			n, err := conn.Read(buf)
			sum += int64(n)
			if err != nil {
				received <- sum
				return
			}
		}
	})
	conn, buf, sent := dial(tb, e), make([]byte, size), int64(0)
	return &operation{
		bytes: size,
		do: func() error {
			n, err := conn.Write(buf)
			sent += int64(n)
			return err
		},
		finish: func() error {
			if err := conn.Close(); err != nil {
				return err
			}
			if <-received != sent {
				return errors.New("the stream lost bytes")
			}
			return nil
		},
	}
}

// connect connects and closes, first the client and then the server.
func connect(tb testing.TB, e Ends) *operation {
	closed := make(chan struct{})
	serve(tb, e, func(conn net.Conn) {
		conn.Read(make([]byte, 1))
		conn.Close()
		closed <- struct{}{}
	})
	return &operation{do: func() error {
		conn, err := e.Dial(context.Background())
		if err != nil {
			return err
		}
		err = conn.Close()
		<-closed
		return err
	}}
}

// datagram sends a datagram of 64 bytes that comes back. One that is lost fails
// the benchmark, after a minute.
func datagram(tb testing.TB, e Ends) *operation {
	server, err := e.ListenPacket()
	if err != nil {
		tb.Fatal(err)
	}
	var echo sync.WaitGroup
	echo.Go(func() {
		for buf := make([]byte, 64); ; {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			server.WriteTo(buf[:n], from)
		}
	})
	tb.Cleanup(func() { server.Close(); echo.Wait() })
	conn, err := e.DialPacket(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 64)
	return &operation{do: func() error {
		if _, err := conn.Write(buf); err != nil {
			return err
		}
		_, err := conn.Read(buf)
		return err
	}}
}

// lookup looks up the server's name.
func lookup(_ testing.TB, e Ends) *operation {
	return &operation{do: func() error { return e.Lookup(context.Background()) }}
}

// serve serves connections, each in a goroutine, until the cleanup, which waits
// for all of them: who dials closes before it.
func serve(tb testing.TB, e Ends, handle func(net.Conn)) {
	l, err := e.Listen()
	if err != nil {
		tb.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	tb.Cleanup(func() { l.Close(); served.Wait() })
}

// dial connects until the cleanup.
func dial(tb testing.TB, e Ends) net.Conn {
	conn, err := e.Dial(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}
