package linuxoracle_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Here are the sockets of a namespace. A socket belongs to the namespace of the
// thread that opens it, for good, and to that thread's user.

func (ns *namespace) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	return l, ns.within(func() error {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false)
		l, err = lc.Listen(ctx, network, address)
		return err
	})
}

func (ns *namespace) ListenPacket(ctx context.Context, network, address string) (p net.PacketConn, err error) {
	return p, ns.within(func() error {
		p, err = new(net.ListenConfig).ListenPacket(ctx, network, address)
		return err
	})
}

func (ns *namespace) Dial(ctx context.Context, network, address string, as dialer) (c net.Conn, err error) {
	return c, ns.within(func() error {
		// Of this thread only, which ends with the call.
		if as.user != 0 {
			for _, call := range []uintptr{syscall.SYS_SETFSGID, syscall.SYS_SETFSUID} {
				syscall.RawSyscall(call, uintptr(as.user), 0, 0)
			}
		}
		d := net.Dialer{Timeout: as.timeout}
		d.SetMultipathTCP(false)
		if as.from.IsValid() {
			d.LocalAddr = net.TCPAddrFromAddrPort(as.from)
			if network[:3] == "udp" {
				d.LocalAddr = net.UDPAddrFromAddrPort(as.from)
			}
		}
		if as.ttl != 0 {
			d.Control = func(_, _ string, c syscall.RawConn) error {
				return control(c, func(fd int) error { return syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_TTL, as.ttl) })
			}
		}
		c, err = d.DialContext(ctx, network, address)
		return err
	})
}

func control(c syscall.RawConn, f func(fd int) error) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
}

const soOriginalDst = 80

func (ns *namespace) originalDst(c net.Conn) (netip.AddrPort, error) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var addr netip.AddrPort
	return addr, control(raw, func(fd int) error {
		// The option's value is a struct sockaddr_in, and this call is the one
		// of package syscall that takes as many bytes.
		v, err := syscall.GetsockoptIPv6Mreq(fd, syscall.IPPROTO_IP, soOriginalDst)
		if err != nil {
			return os.NewSyscallError("getsockopt", err)
		}
		b := v.Multiaddr
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:4]))
		return nil
	})
}

func (ns *namespace) probe(to string, ttl, size int) (string, error) {
	answer := "no answer"
	return answer, ns.within(func() error {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		for option, value := range map[int]int{syscall.IP_RECVERR: 1, syscall.IP_TTL: ttl, syscall.IP_MTU_DISCOVER: syscall.IP_PMTUDISC_DO} {
			if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, option, value); err != nil {
				return err
			}
		}
		addr := netip.MustParseAddrPort(to)
		err = syscall.Sendto(fd, make([]byte, size), 0, &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
		if err != nil {
			answer = "sendto: " + err.Error()
			return nil
		}
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
			control := make([]byte, 512)
			_, n, _, _, err := syscall.Recvmsg(fd, nil, control, syscall.MSG_ERRQUEUE|syscall.MSG_DONTWAIT)
			if errors.Is(err, syscall.EAGAIN) {
				continue
			}
			if err != nil {
				return err
			}
			answer, err = icmpError(control[:n])
			return err
		}
		return nil
	})
}

// icmpError tells of a message of a socket's error queue.
func icmpError(control []byte) (string, error) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return "", err
	}
	for _, m := range messages {
		if m.Header.Level != syscall.IPPROTO_IP || m.Header.Type != syscall.IP_RECVERR || len(m.Data) < 24 {
			continue
		}
		// struct sock_extended_err, and the sockaddr of who sent it.
		errno := syscall.Errno(binary.NativeEndian.Uint32(m.Data))
		text := fmt.Sprintf("ICMP type %d code %d", m.Data[5], m.Data[6])
		if m.Data[4] != 2 { // not from ICMP
			text = "the kernel"
		}
		if info := binary.NativeEndian.Uint32(m.Data[8:]); info != 0 {
			text += fmt.Sprintf(" mtu %d", info)
		}
		return fmt.Sprintf("%s from %v: %v", text, netip.AddrFrom4([4]byte(m.Data[20:24])), errno), nil
	}
	return "", errors.New("the error queue has no error")
}
