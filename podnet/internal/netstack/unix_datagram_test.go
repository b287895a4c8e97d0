package netstack

import (
	"context"
	"net"
	"strings"
	"time"
)

var datagramStories = []unixStory{
	{"unixgram: addresses", func(r *unixRig) {
		a := r.packet("/a")
		r.note(a.LocalAddr(), a.RemoteAddr() == nil)
		c := r.dial("unixgram", "/a")
		r.note(c.LocalAddr(), c.RemoteAddr())
	}},
	{"unixgram: messages", func(r *unixRig) {
		a, b := r.packet("/a"), r.packet("/b")
		to := r.addr("unixgram", "/b")
		r.writeTo(a, "hello", to)
		r.readFrom(b, 10)
		r.writeTo(a, "cut off", to)
		r.readFrom(b, 3)
		r.readFrom(b, 3)
		r.writeTo(a, "", to)
		r.readFrom(b, 3)
		r.writeTo(a, "", to)
		r.read(b, 3)
		r.writeTo(a, "kept", to)
		n, err := b.Read(nil)
		r.note(n, err)
		r.read(b, 10)
		r.writeTo(a, "lost", to)
		n, from, err := b.ReadFrom(nil)
		r.note(n, from, err)
		r.read(b, 10)
		r.writeTo(a, "abcdef", to)
		r.readMsg(b, 2)
		r.writeTo(a, "abcdef", to)
		r.readMsg(b, 20)
		n, oobn, err := a.WriteMsgUnix([]byte("msg"), nil, to)
		r.note(n, oobn, err)
		r.read(b, 20)
		r.writeTo(a, "to myself", r.addr("unixgram", "/a"))
		r.readFrom(a, 20)
	}},
	{"unixgram: destinations that cannot be", func(r *unixRig) {
		a := r.packet("/a")
		r.packet("/b").Close()
		r.listen("unix", "/stream")
		r.write(a, "no peer")
		n, oobn, err := a.WriteMsgUnix([]byte("x"), nil, nil)
		r.note(n, oobn, err)
		for _, name := range []string{"/none", "/b", "/stream", "/", "@none", "", "@" + strings.Repeat("a", 108)} {
			r.writeTo(a, "x", r.addr("unixgram", name))
		}
		r.writeTo(a, "x", r.addr("unix", "/b"))
		r.writeTo(a, "x", nil)
		r.writeTo(a, "x", (*net.UnixAddr)(nil))
		r.writeTo(a, "x", &net.UDPAddr{})
		n, err = a.WriteToUnix([]byte("x"), nil)
		r.note(n, err)
	}},
	{"unixgram: the longest message", func(r *unixRig) {
		a, b := r.packet("/a"), r.packet("/b")
		r.writeTo(a, strings.Repeat("x", 212960), r.addr("unixgram", "/b"))
		r.read(b, 300000)
		r.writeTo(a, strings.Repeat("x", 212961), r.addr("unixgram", "/b"))
		r.writeTo(a, strings.Repeat("x", 212961), r.addr("unixgram", "/none"))
		c := r.dial("unixgram", "/b")
		r.write(c, strings.Repeat("x", 212961))
		r.note(a.SetWriteBuffer(1))
		r.writeTo(a, strings.Repeat("x", 4576), r.addr("unixgram", "/b"))
		r.writeTo(a, strings.Repeat("x", 4577), r.addr("unixgram", "/b"))
	}},
	{"unixgram: a dialed socket", func(r *unixRig) {
		b := r.packet("/b")
		c := r.dial("unixgram", "/b")
		r.write(c, "unnamed")
		r.readFrom(b, 10)
		r.writeTo(c, "x", r.addr("unixgram", "/b"))
		n, oobn, err := c.WriteMsgUnix([]byte("x"), nil, nil)
		r.note(n, oobn, err)
		n, oobn, err = c.WriteMsgUnix([]byte("x"), nil, r.addr("unixgram", "/b"))
		r.note(n, oobn, err)
	}},
	{"unixgram: the receiver goes", func(r *unixRig) {
		a, b := r.packet("/a"), r.packet("/b")
		c := r.dial("unixgram", "/b")
		r.write(c, "1")
		r.note(b.Close())
		_, err := r.fs.Lstat(r.name("/b"))
		r.note(err)
		r.write(c, "2")
		r.write(c, "3")
		r.read(c, 1)
		r.note(c.RemoteAddr())
		r.writeTo(a, "x", r.addr("unixgram", "/b"))
		_, err = r.listenConfig.ListenPacket(context.Background(), "unixgram", r.name("/b"))
		r.note(err)
		r.fs.Remove(r.name("/b"))
		r.packet("/b")
		r.write(c, "4")
		r.writeTo(a, "x", r.addr("unixgram", "/b"))
	}},
	{"unixgram: a receiver that has a peer takes nothing from others", func(r *unixRig) {
		a, b := r.packet("/a"), r.packet("/b")
		d, err := r.dialFrom("unixgram", r.addr("unixgram", "/c"), r.addr("unixgram", "/b"))
		r.note(err, d.LocalAddr(), d.RemoteAddr())
		c := d.(unixEnd)
		r.keep(c)
		r.write(c, "named")
		r.readFrom(b, 10)
		r.writeTo(b, "answer", r.addr("unixgram", "/c"))
		r.readFrom(c, 10)
		r.writeTo(a, "intruder", r.addr("unixgram", "/c"))
		r.tryDial("unixgram", "/c")
	}},
	{"unixgram: a name and no peer", func(r *unixRig) {
		b := r.packet("/b")
		d, err := r.dialFrom("unixgram", r.addr("unixgram", "@podnet local"), nil)
		r.note(err, d.LocalAddr(), d.RemoteAddr() == nil)
		c := d.(unixEnd)
		r.keep(c)
		r.write(c, "x")
		r.writeTo(c, "x", r.addr("unixgram", "/b"))
		r.readFrom(b, 10)
		r.writeTo(b, "y", r.addr("unixgram", "@podnet local"))
		r.readFrom(c, 10)
	}},
	{"unixgram: half-close", func(r *unixRig) {
		a, b := r.packet("/a"), r.packet("/b")
		c := r.dial("unixgram", "/b")
		r.write(c, "queued")
		r.note(b.CloseRead())
		r.read(b, 10)
		r.read(b, 10)
		r.write(c, "x")
		r.writeTo(a, "x", r.addr("unixgram", "/b"))
		r.writeTo(b, "x", r.addr("unixgram", "/a"))
		r.note(b.CloseWrite())
		r.writeTo(b, "x", r.addr("unixgram", "/a"))
		r.read(b, 10)
	}},
	{"unixgram: a full queue", func(r *unixRig) {
		a, b := r.packet("/a"), r.packet("/b")
		c := r.dial("unixgram", "/b")
		r.note(r.fill(c, func() (int, error) { return c.Write([]byte("x")) }))
		r.writeTo(a, "x", r.addr("unixgram", "/b"))
		late := func() (int, error) { return c.Write([]byte("late")) }
		r.write(c, "") // does not wait
		r.during(late, func() { b.Read(make([]byte, 1)) })
		r.during(late, func() { b.Close() })
		// What a socket sends to itself has no limit but its buffer.
		r.note(r.fill(a, func() (int, error) { return a.WriteTo(make([]byte, 1000), r.addr("unixgram", "/a")) }))
	}},
	{"unixgram: Listen makes one that accepts nothing", func(r *unixRig) {
		l := r.listen("unixgram", "/a")
		r.note(l.Addr())
		_, err := l.Accept()
		r.note(err)
		r.note(l.Close())
		_, err = r.fs.Lstat(r.name("/a"))
		r.note(err)
	}},
	{"unixgram: names", func(r *unixRig) {
		a := r.packet("@podnet a")
		_, err := r.listenConfig.ListenPacket(context.Background(), "unixgram", "@podnet a")
		r.note(err)
		b := r.packet("")
		r.note(b.LocalAddr())
		r.writeTo(b, "hi", r.addr("unixgram", "@podnet a"))
		r.readFrom(a, 10)
		r.writeTo(a, "hi", b.LocalAddr())
		r.readFrom(b, 10)
		r.tryDial("unixgram", "")
		r.tryDial("unix", "@podnet a")
		r.tryListen("unix", "@podnet a")
		r.tryListen("unixpacket", "@podnet a")
		a.Close()
		r.writeTo(b, "hi", r.addr("unixgram", "@podnet a"))
		r.packet("@podnet a")
	}},
	{"unixgram: deadlines", func(r *unixRig) {
		a := r.packet("/a")
		a.SetDeadline(time.Unix(1, 0))
		_, _, err := a.ReadFrom(make([]byte, 1))
		r.note(err)
		n, err := a.WriteTo([]byte("x"), r.addr("unixgram", "/a"))
		r.note(n, err)
		a.SetDeadline(time.Time{})
		r.during(func() (int, error) { n, _, err := a.ReadFrom(make([]byte, 1)); return n, err }, func() { a.Close() })
	}},
}
