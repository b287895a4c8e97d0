package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"podnet.dev/podnet"
)

// nginxServer is a running nginx: one process, where the real one has a master
// and workers.
type nginxServer struct {
	*proc
	accessLog io.Writer
	errorLog  io.Writer
	conns     atomic.Int64
}

type connNumber struct{}

// nginxEntrypoint is the image's entrypoint. It says what it does, which is
// less than the real one's scripts do, and starts the command.
func nginxEntrypoint(ctx context.Context, p *proc) int {
	if len(p.args) == 0 {
		return 0
	}
	if p.args[0] == "nginx" {
		fmt.Fprintln(p.out, "/docker-entrypoint.sh: Configuration complete; ready for start up")
	}
	return p.become(ctx, p.args)
}

// nginx is nginx [-t] [-v] [-q] [-s stop|quit|reload|reopen] [-g directives].
// ctx ends at SIGTERM: nginx's fast shutdown.
func nginx(ctx context.Context, p *proc) int {
	n := &nginxServer{proc: p}
	send := ""
	args := p.args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch arg {
		case "-v":
			fmt.Fprintf(p.err, "nginx version: nginx/%s\n", nginxVersion)
			return 0
		case "-t":
			return n.test()
		case "-q":
		case "-g", "-s", "-c", "-p", "-e":
			if len(args) == 0 {
				fmt.Fprintf(p.err, "nginx: option \"%s\" requires %s\n", arg, map[string]string{
					"-g": "global directives", "-s": "signal name", "-c": "file name", "-p": "directory name", "-e": "file name"}[arg])
				return 1
			}
			value := args[0]
			args = args[1:]
			switch {
			case arg == "-s":
				send = value
			case arg == "-g" && strings.Trim(value, " ;") == "daemon off", arg == "-c" && value == nginxConf:
			default:
				fmt.Fprintf(p.err, "nginx: [emerg] podnet's nginx reads no configuration: %s %q\n", arg, value)
				return 1
			}
		default:
			fmt.Fprintf(p.err, "nginx: invalid option: %q\n", strings.TrimLeft(arg, "-"))
			return 1
		}
	}
	if send != "" {
		return n.signalMaster(send)
	}
	return n.serve(ctx)
}

func (n *nginxServer) test() int {
	if err := n.checkConfig(); err != nil {
		fmt.Fprintf(n.err, "nginx: [emerg] %s\nnginx: configuration file %s test failed\n", err, nginxConf)
		return 1
	}
	fmt.Fprintf(n.err, "nginx: the configuration file %s syntax is ok\nnginx: configuration file %s test is successful\n", nginxConf, nginxConf)
	return 0
}

// signalMaster is nginx -s. To read the configuration again is to find it
// unchanged, and a log that is reopened is the same file.
func (n *nginxServer) signalMaster(name string) int {
	data, err := n.FS().ReadFile(nginxPidFile)
	if err != nil {
		fmt.Fprintf(n.err, "nginx: [error] open() %q failed (2: No such file or directory)\n", nginxPidFile)
		return 1
	}
	switch name {
	case "stop", "quit":
		pid := atoi(strings.TrimSpace(string(data)))
		if err := n.Signal(pid, podnet.SIGTERM); err != nil {
			fmt.Fprintf(n.err, "nginx: [alert] kill(%d, 15) failed (3: %s)\n", pid, strerror(err))
			return 1
		}
	case "reload":
		return bit(n.checkConfig() != nil)
	case "reopen":
	default:
		fmt.Fprintf(n.err, "nginx: invalid option: \"-s %s\"\n", name)
		return 1
	}
	return 0
}

func (n *nginxServer) serve(ctx context.Context) int {
	for _, l := range []struct {
		name string
		to   *io.Writer
	}{{nginxErrorLog, &n.errorLog}, {nginxAccessLog, &n.accessLog}} {
		f, err := n.FS().OpenFile(l.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			n.emerg("open() %q failed (%s)", l.name, errnoText(err))
			return 1
		}
		defer f.Close()
		*l.to = f
	}
	if err := n.checkConfig(); err != nil {
		n.emerg("%s", err)
		return 1
	}
	listeners, ok := n.listen(ctx)
	if !ok {
		return 1
	}
	if err := n.FS().WriteFile(nginxPidFile, []byte(fmt.Sprintf("%d\n", n.PID())), 0o644); err != nil {
		n.emerg("open() %q failed (%s)", nginxPidFile, errnoText(err))
		return 1
	}
	n.logLine("notice", "nginx/%s", nginxVersion)
	n.logLine("notice", "start worker processes")
	server := &http.Server{
		Handler:           http.HandlerFunc(n.handle),
		ReadHeaderTimeout: 60 * time.Second, // client_header_timeout
		IdleTimeout:       65 * time.Second, // keepalive_timeout
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connNumber{}, n.conns.Add(1))
		},
		DisableGeneralOptionsHandler: true,
	}
	done := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { done <- server.Serve(l) }()
	}
	<-ctx.Done()
	n.logLine("notice", "signal 15 (SIGTERM) received, exiting")
	server.Close() // fast: requests are not waited for
	for range listeners {
		<-done
	}
	n.logLine("notice", "exit")
	n.FS().Remove(nginxPidFile)
	return 0
}

// listen binds port 80 of both families as nginx does: five tries, half a
// second apart (ngx_open_listening_sockets in ngx_connection.c).
func (n *nginxServer) listen(ctx context.Context) ([]net.Listener, bool) {
	addrs := []struct{ network, address string }{{"tcp4", "0.0.0.0:80"}, {"tcp6", "[::]:80"}}
	open := make([]net.Listener, len(addrs))
	closeAll := func() {
		for _, l := range open {
			if l != nil {
				l.Close()
			}
		}
	}
	for range 5 {
		failed := false
		for i, a := range addrs {
			if open[i] != nil {
				continue
			}
			l, err := n.Listen(a.network, a.address)
			if err == nil {
				open[i] = l
				continue
			}
			n.emerg("bind() to %s failed (%s)", a.address, errnoText(err))
			if !errors.Is(err, syscall.EADDRINUSE) {
				closeAll()
				return nil, false
			}
			failed = true
		}
		if !failed {
			return open, true
		}
		n.logLine("notice", "try again to bind() after 500ms")
		pause(ctx, 500*time.Millisecond)
		if ctx.Err() != nil {
			break
		}
	}
	closeAll()
	if ctx.Err() == nil {
		n.emerg("still could not bind()")
	}
	return nil, false
}

// errnoText is how nginx shows an error: Linux's number and the text.
func errnoText(err error) string {
	for _, e := range []struct {
		errno  syscall.Errno
		number int
	}{
		{syscall.EPERM, 1}, {syscall.ENOENT, 2}, {syscall.EACCES, 13}, {syscall.ENOTDIR, 20}, {syscall.EISDIR, 21}, {syscall.ENOSPC, 28}, {syscall.EROFS, 30},
		{syscall.EADDRINUSE, 98}, {syscall.EADDRNOTAVAIL, 99}, {syscall.ELOOP, 40}, {syscall.ENAMETOOLONG, 36},
	} {
		if errors.Is(err, e.errno) {
			return fmt.Sprintf("%d: %s", e.number, strerror(err))
		}
	}
	return strerror(err)
}
