package netstack

import (
	"context"
	"net"
	"regexp"
	"strings"
	"time"
)

// ephemeralName matches the names that the kernel chooses.
var ephemeralName = regexp.MustCompile(`@[0-9a-f]{5}\b`)

// onConnections are stories of both kinds of connections.
func onConnections(name string, run func(r *unixRig, network string)) []unixStory {
	var list []unixStory
	for _, network := range []string{"unix", "unixpacket"} {
		list = append(list, unixStory{network + ": " + name, func(r *unixRig) { run(r, network) }})
	}
	return list
}

func stories(lists ...[]unixStory) (all []unixStory) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var unixStories = stories(
	onConnections("addresses", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		c := r.dial(network, "/s")
		s := r.accept(l)
		r.note(l.Addr())
		r.note(c.LocalAddr(), c.RemoteAddr())
		r.note(s.LocalAddr(), s.RemoteAddr())
	}),
	onConnections("addresses of a client with a name", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		c, err := r.dialFrom(network, r.addr(network, "/c"), r.addr(network, "/s"))
		r.note(c.LocalAddr(), c.RemoteAddr(), err)
		s := r.accept(l)
		r.note(s.LocalAddr(), s.RemoteAddr())
		r.write(c.(unixEnd), "hi")
		r.readFrom(s, 9)
		c.Close()
		_, err = r.dialFrom(network, r.addr(network, "/c"), r.addr(network, "/s"))
		r.note(err)
	}),
	onConnections("data", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		r.write(c, "hello")
		r.read(s, 2)
		r.read(s, 10)
		r.write(c, "abc")
		r.write(c, "def")
		r.read(s, 10)
		r.read(s, 10)
		r.write(c, "")
		r.read(s, 10)
		r.write(s, "back")
		r.read(c, 10)
	}),
	onConnections("reads and writes of nothing", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		c.SetReadDeadline(time.Unix(1, 0))
		n, err := c.Read(nil)
		r.note(n, err)
		_, err = c.Read(make([]byte, 1))
		r.note(err)
		r.write(s, "x")
		n, from, err := c.ReadFrom(nil)
		r.note(n, from, err)
		c.SetReadDeadline(time.Time{})
		n, from, err = c.ReadFrom(nil)
		r.note(n, from, err)
		r.read(c, 5)
	}),
	onConnections("half-close", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		r.write(c, "last")
		r.note(c.CloseWrite())
		r.write(c, "x")
		r.write(c, "")
		r.read(s, 10)
		r.read(s, 10)
		r.read(s, 10)
		r.write(s, "the other way")
		r.read(c, 20)
		r.note(s.CloseRead(), s.CloseWrite(), s.CloseWrite())
		r.read(c, 10)
		r.write(s, "x")
		r.note(c.Close(), s.Close())
	}),
	onConnections("CloseRead", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		r.write(s, "in flight")
		r.note(c.CloseRead())
		r.write(s, "x")
		r.write(s, "")
		r.read(c, 3)
		r.read(c, 30)
		r.read(c, 30)
		r.write(c, "the other way")
		r.read(s, 20)
	}),
	onConnections("close after all was read", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		r.write(s, "in flight")
		s.Close()
		r.write(c, "x")
		r.read(c, 30)
		r.read(c, 30)
		r.write(c, "")
		r.note(c.CloseWrite(), c.CloseRead())
	}),
	onConnections("close with unread data, then write", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		r.write(s, "in flight")
		r.write(c, "unread")
		s.Close()
		r.write(c, "x")
		r.write(c, "x")
		r.read(c, 3)
		r.read(c, 30)
		r.read(c, 30)
		r.read(c, 30)
		r.write(c, "x")
	}),
	onConnections("close with unread data, then read", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		r.write(s, "in flight")
		r.write(c, "unread")
		s.Close()
		r.read(c, 30)
		r.read(c, 30)
		r.read(c, 30)
	}),
	onConnections("listener closed with pending connections", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		c1, c2 := r.dial(network, "/s"), r.dial(network, "/s")
		r.write(c1, "hello")
		r.note(c2.CloseWrite())
		r.note(l.Close())
		r.read(c1, 1)
		r.read(c1, 1)
		r.write(c1, "x")
		r.write(c2, "x")
		r.read(c2, 1)
		r.tryDial(network, "/s")
	}),
	onConnections("client gone before it is accepted", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		c := r.dial(network, "/s")
		r.write(c, "hello")
		c.Close()
		s := r.accept(l)
		r.note(s.RemoteAddr())
		r.write(s, "x")
		r.read(s, 9)
		r.read(s, 9)
	}),
	onConnections("use after Close", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		c := r.dial(network, "/s")
		r.note(c.Close(), c.Close())
		r.note(l.Close(), l.Close())
		_, err := l.Accept()
		r.note(err)
		r.note(l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Time{}))
		r.read(c, 1)
		n, err := c.Read(nil)
		r.note(n, err)
		r.write(c, "x")
		r.note(c.CloseWrite())
		r.note(c.CloseRead())
		r.note(c.SetDeadline(time.Time{}))
		r.note(c.SetWriteDeadline(time.Time{}))
		r.note(c.SetWriteBuffer(1))
		r.note(c.SetReadBuffer(1))
		_, _, err = c.ReadFrom(nil)
		r.note(err)
		_, _, _, _, err = c.ReadMsgUnix(nil, nil)
		r.note(err)
		_, _, err = c.WriteMsgUnix(nil, nil, nil)
		r.note(err)
	}),
	onConnections("WriteTo and ReadFrom", func(r *unixRig, network string) {
		c, s := r.pipe(network)
		to := r.addr(network, "/pipe")
		foreign := r.addr("unixgram", "/pipe")
		r.writeTo(c, "x", to)
		r.writeTo(s, "x", to)
		r.writeTo(s, "x", foreign)
		r.writeTo(s, "x", nil)
		r.writeTo(s, "x", (*net.UnixAddr)(nil))
		r.writeTo(s, "x", &net.UDPAddr{})
		n, err := s.WriteToUnix([]byte("x"), nil)
		r.note(n, err)
		r.write(c, "ping")
		r.readFrom(s, 9)
		r.write(s, "pong")
		r.readFrom(c, 9)
		r.readFrom(c, 9)
		n, oobn, err := c.WriteMsgUnix([]byte("msg"), nil, nil)
		r.note(n, oobn, err)
		n, oobn, err = c.WriteMsgUnix([]byte("msg"), nil, to)
		r.note(n, oobn, err)
		n, oobn, err = s.WriteMsgUnix([]byte("msg"), nil, to)
		r.note(n, oobn, err)
		n, oobn, err = s.WriteMsgUnix([]byte("msg"), nil, foreign)
		r.note(n, oobn, err)
		r.readMsg(s, 2)
	}),
	onConnections("dials that fail", func(r *unixRig, network string) {
		r.listen(network, "/s")
		r.fs.WriteFile(r.name("/file"), nil, 0o600)
		r.tryDial(network, "")
		r.tryDial(network, "/none")
		r.tryDial(network, "/none/none")
		r.tryDial(network, "/file")
		r.tryDial(network, "/file/none")
		r.tryDial(network, "/s/")
		r.tryDial(network, "/")
		r.tryDial(network, "@none of that name")
		r.tryDial(network, "@"+strings.Repeat("a", 107))
		r.tryDial(network, "@"+strings.Repeat("a", 108))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := r.dialContext(ctx, network, r.name("/s"))
		r.note(err)
		_, err = r.dialContext(ctx, network, "")
		r.note(err)
		ctx, cancel = context.WithDeadline(context.Background(), time.Unix(1, 0))
		defer cancel()
		_, err = r.dialContext(ctx, network, r.name("/s"))
		r.note(err)
		for _, other := range []string{"unix", "unixpacket", "unixgram"} {
			if other != network {
				r.tryDial(other, "/s")
			}
		}
	}),
	onConnections("listens that fail", func(r *unixRig, network string) {
		r.fs.WriteFile(r.name("/file"), nil, 0o600)
		r.fs.Symlink("nowhere", r.name("/link"))
		r.listen(network, "/s")
		for _, at := range []string{"/s", "/file", "/link", "/", "/none/s", "/file/s", "/new/", "/s/", "/.", "/.."} {
			r.tryListen(network, at)
		}
		r.tryListen(network, "@"+strings.Repeat("a", 108))
		r.tryListen(network+"x", "/t")
		r.tryListen("Unix", "/t")
	}),
	onConnections("the greatest length of a path", func(r *unixRig, network string) {
		for _, length := range []int{107, 108} {
			name := "/" + strings.Repeat("a", length-len(r.base)-1)
			l, err := r.listenConfig.Listen(context.Background(), network, r.name(name))
			r.note(err != nil)
			if err == nil {
				_, err = r.dialContext(context.Background(), network, r.name(name))
				r.note(err)
				l.Close()
			}
		}
	}),
	onConnections("a full backlog", func(r *unixRig, network string) {
		r.listen(network, "/s")
		for i := 0; ; i++ {
			c, err := r.dialContext(context.Background(), network, r.name("/s"))
			if err != nil {
				r.note(i, err)
				return
			}
			r.keep(c)
		}
	}),
	onConnections("abstract names", func(r *unixRig, network string) {
		l := r.listen(network, "@podnet test")
		r.tryListen(network, "@podnet test")
		r.tryListen(network, "@podnet test\x00") // another one, though it looks the same
		c := r.dial(network, "@podnet test")
		s := r.accept(l)
		r.note(l.Addr(), c.RemoteAddr(), s.LocalAddr())
		l.Close()
		r.tryDial(network, "@podnet test")
		r.tryListen(network, "\x00podnet test")
		r.tryDial(network, "@podnet test")
		long := "@" + strings.Repeat("a", 107)
		r.tryListen(network, long)
		r.tryDial(network, long)
		for _, other := range []string{"unix", "unixpacket", "unixgram"} {
			if other != network {
				r.tryDial(other, "@podnet test")
			}
		}
	}),
	onConnections("a path ends at a NUL", func(r *unixRig, network string) {
		r.tryListen(network, "/s\x00and more")
		r.tryDial(network, "/s")
	}),
	onConnections("the kernel chooses a name", func(r *unixRig, network string) {
		l := r.listen(network, "")
		r.note(l.Addr())
		r.tryDial(network, l.Addr().String())
		l.Close()
		r.tryDial(network, l.Addr().String())
	}),
	onConnections("the file of a listener", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		info, err := r.fs.Lstat(r.name("/s"))
		r.note(info.Mode().String(), info.Size(), err)
		_, err = r.fs.ReadFile(r.name("/s"))
		r.note(err)
		r.note(r.fs.WriteFile(r.name("/s"), nil, 0))
		l.Close()
		_, err = r.fs.Lstat(r.name("/s"))
		r.note(err)
	}),
	onConnections("a left-over path", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		l.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
		l.Close()
		r.tryDial(network, "/s")
		r.tryDial("unixgram", "/s")
		r.tryListen(network, "/s")
		r.note(r.fs.Remove(r.name("/s")))
		r.tryListen(network, "/s")
		r.tryDial(network, "/s")
	}),
	onConnections("a renamed path", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		r.note(r.fs.Rename(r.name("/s"), r.name("/t")))
		r.tryDial(network, "/s")
		r.tryDial(network, "/t")
		r.tryListen(network, "/s")
		r.tryDial(network, "/s")
		r.fs.Symlink("t", r.name("/link"))
		r.tryDial(network, "/link")
		r.note(l.Close()) // removes the other's file, as net does
		r.tryDial(network, "/s")
		r.tryDial(network, "/t")
	}),
	onConnections("a removed path", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		c := r.dial(network, "/s")
		r.note(r.fs.Remove(r.name("/s")))
		r.tryDial(network, "/s")
		s := r.accept(l)
		r.write(c, "still there")
		r.read(s, 20)
		r.note(l.Close())
	}),
	onConnections("a listener's file that became a directory", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		r.fs.Remove(r.name("/s"))
		r.fs.Mkdir(r.name("/s"), 0o700)
		r.note(l.Close())
		info, err := r.fs.Lstat(r.name("/s"))
		r.note(info.IsDir(), err)
	}),
	onConnections("deadlines", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Unix(1, 0))
		_, err := l.Accept()
		r.note(err)
		l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(patience))
		_, err = l.Accept()
		r.note(err)
		c := r.dial(network, "/s")
		c.SetDeadline(time.Unix(1, 0))
		_, err = c.Read(make([]byte, 1))
		r.note(err)
		n, err := c.Write([]byte("x"))
		r.note(n, err)
		c.SetDeadline(time.Time{})
		r.during(func() (int, error) { return c.Read(make([]byte, 1)) }, func() { c.SetReadDeadline(time.Unix(1, 0)) })
		c.SetDeadline(time.Time{})
		r.write(c, "x")
	}),
	onConnections("what wakes a reader", func(r *unixRig, network string) {
		for _, happens := range []func(c, s unixEnd){
			func(c, s unixEnd) { s.Write([]byte("data")) },
			func(c, s unixEnd) { s.CloseWrite() },
			func(c, s unixEnd) { s.Close() },
			func(c, s unixEnd) { c.CloseRead() },
			func(c, s unixEnd) { c.Close() },
		} {
			c, s := r.pipe(network)
			r.during(func() (int, error) { return c.Read(make([]byte, 10)) }, func() { happens(c, s) })
			r.fs.Remove(r.name("/pipe"))
		}
	}),
	onConnections("what wakes a writer", func(r *unixRig, network string) {
		for _, happens := range []func(c, s unixEnd){
			func(c, s unixEnd) { s.CloseWrite() },
			func(c, s unixEnd) { s.CloseRead() },
			func(c, s unixEnd) { s.CloseRead(); s.CloseWrite() },
			func(c, s unixEnd) { s.Close() },
			func(c, s unixEnd) { c.CloseWrite() },
			func(c, s unixEnd) { c.CloseRead(); c.CloseWrite() },
			func(c, s unixEnd) { c.Close() },
		} {
			c, s := r.pipe(network)
			c.SetWriteDeadline(time.Now().Add(2 * patience))
			write := func() (int, error) {
				for {
					if n, err := c.Write(make([]byte, 100000)); err != nil {
						return n, err
					}
				}
			}
			r.during(write, func() { happens(c, s) })
			r.fs.Remove(r.name("/pipe"))
		}
	}),
	onConnections("what wakes Accept", func(r *unixRig, network string) {
		l := r.listen(network, "/s")
		accept := func() (int, error) { _, err := l.Accept(); return 0, err }
		r.during(accept, func() { r.dial(network, "/s") })
		r.during(accept, func() { l.Close() })
	}),
	onConnections("a full send buffer", func(r *unixRig, network string) {
		// Below 705 bytes it depends on the kernel what a message costs.
		for _, size := range []int{1000, 1729, 3776, 3777, 4096, 8192, 20000, 36544, 36545, 65536, 100000, 190000, 212960} {
			c, _ := r.pipe(network)
			b := make([]byte, size)
			writes, total := r.fill(c, func() (int, error) { return c.Write(b) })
			r.note(size, writes, total)
			r.fs.Remove(r.name("/pipe"))
		}
	}),
	onConnections("a send buffer of another size", func(r *unixRig, network string) {
		for _, size := range []int{1, 10000, 100000} {
			c, _ := r.pipe(network)
			r.note(c.SetWriteBuffer(size), c.SetReadBuffer(size))
			_, total := r.fill(c, func() (int, error) { return c.Write(make([]byte, 1500)) })
			r.note(size, total)
			r.fs.Remove(r.name("/pipe"))
		}
	}),
	onConnections("a writer goes on when a quarter of its buffer is left", func(r *unixRig, network string) {
		for _, read := range []int{1, 3, 5, 9, 11} { // of 11 writes
			c, s := r.pipe(network)
			write := func() (int, error) { return c.Write(make([]byte, 20000)) }
			for range 11 {
				write()
			}
			c.SetWriteDeadline(time.Now().Add(2 * patience))
			r.during(write, func() {
				for range read {
					s.Read(make([]byte, 20000))
				}
			})
			r.fs.Remove(r.name("/pipe"))
		}
	}),
	onConnections("ListenPacket makes a listener of it", func(r *unixRig, network string) {
		p, err := r.listenConfig.ListenPacket(context.Background(), network, r.name("/s"))
		r.note(err)
		c := p.(unixEnd)
		r.keep(c)
		r.note(c.LocalAddr())
		_, _, err = c.ReadFrom(make([]byte, 1))
		r.note(err)
		r.writeTo(c, "x", r.addr(network, "/s"))
		r.write(c, "x")
		r.tryDial(network, "/s")
		r.note(c.Close())
		_, err = r.fs.Lstat(r.name("/s"))
		r.note(err)
	}),
	onConnections("DialUnix without an address", func(r *unixRig, network string) {
		_, err := r.dialFrom(network, nil, nil)
		r.note(err)
		_, err = r.dialFrom(network, r.addr(network, "/c"), nil)
		r.note(err)
		_, err = r.dialFrom("tcp", nil, r.addr(network, "/c"))
		r.note(err)
	}),
	[]unixStory{{"unix: a great write against a reader that stops", func(r *unixRig) {
		for _, read := range []int{1000, 100000, 170000, 200000} {
			c, s := r.pipe("unix")
			c.SetWriteDeadline(time.Now().Add(2 * patience))
			write := func() (int, error) { return c.Write(make([]byte, 1<<20)) }
			r.during(write, func() {
				for n := 0; n < read; {
					m, _ := s.Read(make([]byte, read-n))
					n += m
				}
			})
			r.fs.Remove(r.name("/pipe"))
		}
	}}},
	datagramStories,
)
