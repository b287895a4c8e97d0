package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// wgetter is wget's command line.
type wgetter struct {
	*proc
	quiet, spider, show bool
	output, dir, agent  string
	headers             []string
	post                string
	isPost              bool
	timeout             time.Duration
	log                 io.Writer
}

// wget is wget [-qS] [--spider] [-O file] [-o log] [-P dir] [-T seconds]
// [-U agent] [--header h] [--post-data d] url... As busybox's it checks no
// certificates, and waits 900 s for a server without -T.
func wget(ctx context.Context, p *proc) int {
	w := &wgetter{proc: p, agent: "Wget", timeout: 900 * time.Second, log: p.err}
	opts, urls, ok := p.options("cqSO:o:P:T:U:Y:", map[string]string{
		"quiet": "q", "spider": "", "header=": "", "post-data=": "", "no-check-certificate": "", "user-agent=": "U", "timeout=": "T",
		"output-document=": "O", "server-response": "S", "directory-prefix=": "P", "proxy=": "Y", "continue": "c", "output-file=": "o",
	})
	if !ok {
		return 1
	}
	for _, o := range opts {
		switch o.name {
		case "q":
			w.quiet = true
		case "S":
			w.show = true
		case "O":
			w.output = o.value
		case "P":
			w.dir = o.value
		case "U":
			w.agent = o.value
		case "T":
			n, ok := p.number(o.value)
			if !ok {
				return 1
			}
			w.timeout = time.Duration(n) * time.Second
		case "o":
			f, err := p.FS().OpenFile(p.path(o.value), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
			if err != nil {
				p.errorf("can't open '%s': %s", o.value, strerror(err))
				return 1
			}
			defer f.Close()
			w.log = f
		case "c":
			p.errorf("-c: continuing a download is not supported")
			return 1
		case "--spider":
			w.spider = true
		case "--header":
			w.headers = append(w.headers, o.value)
		case "--post-data":
			w.post, w.isPost = o.value, true
		}
	}
	if len(urls) == 0 {
		return p.usageError()
	}
	for _, u := range urls {
		if err := w.get(ctx, u); err != nil {
			if ctx.Err() == nil {
				p.errorf("%s", err)
			}
			return 1
		}
	}
	return 0
}

func (w *wgetter) say(format string, args ...any) {
	if !w.quiet {
		fmt.Fprintf(w.log, format+"\n", args...)
	}
}

func (w *wgetter) get(ctx context.Context, raw string) error {
	u, err := wgetURL(raw)
	if err != nil {
		return err
	}
	for range 5 + 1 {
		next, err := w.getOne(ctx, u)
		if err != nil || next == nil {
			return err
		}
		u = next
	}
	return errors.New("too many redirections")
}

func wgetURL(raw string) (*url.URL, error) {
	full := raw
	if !strings.Contains(raw, "://") {
		full = "http://" + raw
	}
	u, err := url.Parse(full)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not an http or ftp url: " + raw)
	}
	return u, nil
}

// getOne makes one request. It returns where the response redirects to.
func (w *wgetter) getOne(ctx context.Context, u *url.URL) (*url.URL, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(w.timeout, func() { cancel(errWgetTimeout) })
	defer idle.Stop()
	x := &exchange{p: w.proc, insecure: true}
	x.resolve = func(ctx context.Context, host, port string) ([]string, error) {
		addrs, err := w.lookup(ctx, host, port)
		if err != nil || len(addrs) == 0 {
			return nil, err
		}
		return preferIPv4(addrs)[:1], nil // busybox tries the first address only
	}
	x.trying = func(address string) { w.say("Connecting to %s (%s)", u.Host, address) }
	req, err := w.request(ctx, u)
	if err != nil {
		return nil, err
	}
	resp, err := x.do(req)
	if err != nil {
		if errors.Is(context.Cause(ctx), errWgetTimeout) {
			return nil, errWgetTimeout
		}
		return nil, wgetError(err)
	}
	defer x.close()
	defer resp.Body.Close()
	if w.show {
		for _, line := range x.lines(resp) {
			fmt.Fprintf(w.log, "  %s\n", line)
		}
	}
	if next := resp.Header.Get("Location"); next != "" && resp.StatusCode >= 300 && resp.StatusCode < 400 {
		to, err := u.Parse(next)
		if err != nil || to.Scheme != "http" && to.Scheme != "https" {
			return nil, errors.New("not an http or ftp url: " + next)
		}
		return to, nil
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo, http.StatusNoContent:
	default:
		return nil, errors.New("server returned error: " + strings.TrimSpace(x.lines(resp)[0]))
	}
	if w.spider {
		w.say("remote file exists")
		return nil, nil
	}
	body := &idleReader{resp.Body, idle, w.timeout}
	if err := w.save(u, body); err != nil {
		if errors.Is(context.Cause(ctx), errWgetTimeout) {
			return nil, errWgetTimeout
		}
		return nil, err
	}
	return nil, nil
}

var errWgetTimeout = errors.New("download timed out")

// idleReader puts the timeout off with every read.
type idleReader struct {
	r       io.Reader
	timer   *time.Timer
	timeout time.Duration
}

func (r *idleReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.timer.Reset(r.timeout)
	return n, err
}

func (w *wgetter) request(ctx context.Context, u *url.URL) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if w.spider {
		method = http.MethodHead
	}
	if w.isPost {
		method, body = http.MethodPost, strings.NewReader(w.post)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Close = true
	req.Header.Set("User-Agent", w.agent)
	if w.isPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range w.headers {
		name, value, _ := strings.Cut(h, ":")
		if strings.EqualFold(name, "Host") {
			req.Host = strings.TrimSpace(value)
			continue
		}
		req.Header.Set(name, strings.TrimSpace(value))
	}
	return req, nil
}

// wgetError words a failed request as busybox does.
func wgetError(err error) error {
	if e, ok := errors.AsType[*resolveError](err); ok {
		return errors.New("bad address '" + e.host + "'")
	}
	if e, ok := errors.AsType[*connectError](err); ok {
		return fmt.Errorf("can't connect to remote host (%s): %s", e.addr.Addr(), strerror(e.err))
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return errors.New("error getting response: " + strerror(e))
	}
	return errors.New("error getting response")
}

// save writes the body where the command line says, with busybox's messages.
func (w *wgetter) save(u *url.URL, body io.Reader) error {
	name := w.output
	if name == "" {
		if name = path.Base(u.Path); name == "." || name == "/" || strings.HasSuffix(u.Path, "/") {
			name = "index.html"
		}
		if w.dir != "" {
			name = strings.TrimSuffix(w.dir, "/") + "/" + name
		}
	}
	out := io.Writer(w.out)
	if name == "-" {
		w.say("writing to stdout")
	} else {
		flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if w.output == "" {
			flag = os.O_WRONLY | os.O_CREATE | os.O_EXCL
		}
		f, err := w.FS().OpenFile(w.path(name), flag, 0o644)
		if err != nil {
			return fmt.Errorf("can't open '%s': %s", name, strerror(err))
		}
		defer f.Close()
		out = f
		w.say("saving to '%s'", name)
	}
	n, err := io.Copy(out, body)
	if err != nil {
		if w.out.failed() != nil {
			return errors.New("write error: " + strerror(w.out.failed()))
		}
		return errors.New("connection closed prematurely")
	}
	w.say("%-20.20s 100%% |********************************| %5s  0:00:00 ETA", path.Base(name), wgetSize(n))
	if name == "-" {
		w.say("written to stdout")
	} else {
		w.say("'%s' saved", name)
	}
	return nil
}

// wgetSize shows a size in at most five digits, as the progress bar does.
func wgetSize(n int64) string {
	units := []string{"", "k", "M", "G", "T"}
	i := 0
	for n >= 100000 {
		n /= 1024
		i++
	}
	return fmt.Sprintf("%d%s", n, units[i])
}
