package image

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// curlVersion is the release whose messages these are.
const curlVersion = "8.14.1"

// curler is curl's command line.
type curler struct {
	*proc
	silent, showError, fail, verbose, include, headOnly, location, insecure bool

	output, method, writeOut, agent, user string
	remoteName                            bool
	headers                               []string
	data                                  []string
	get                                   bool // -G
	maxTime, connectTimeout               time.Duration
	retry                                 int
	retryDelay                            time.Duration
	retryRefused                          bool
	maxRedirs                             int
	resolved                              map[string][]string // by host:port, of --resolve
}

// curlOptions has curl's options that take no value, and with "=" those that do.
var curlOptions = map[string]string{
	"silent": "s", "show-error": "S", "fail": "f", "verbose": "v", "include": "i", "head": "I", "location": "L", "insecure": "k",
	"output=": "o", "remote-name": "O", "request=": "X", "header=": "H", "data=": "d", "write-out=": "w", "user-agent=": "A", "user=": "u",
	"max-time=": "m", "connect-timeout=": "", "retry=": "", "retry-delay=": "", "retry-connrefused": "", "resolve=": "", "get": "G",
	"max-redirs=": "", "url=": "", "data-raw=": "", "data-binary=": "", "json=": "", "no-progress-meter": "", "version": "V", "http1.1": "", "referer=": "e",
	"no-buffer": "N", "noproxy=": "",
}

// curlEntrypoint is the entrypoint of curl's image: options and URLs are curl's.
func curlEntrypoint(ctx context.Context, p *proc) int {
	if len(p.args) > 0 {
		if _, err := p.img.find(p.FS(), p.dir, p.searchPath(), p.args[0]); err == nil {
			return p.become(ctx, p.args)
		}
	}
	return p.become(ctx, append([]string{"curl"}, p.args...))
}

// curl is curl [options] url... for HTTP.
func curl(ctx context.Context, p *proc) int {
	c := &curler{proc: p, agent: "curl/" + curlVersion, maxRedirs: 50, resolved: map[string][]string{}}
	urls, code := c.options()
	if code >= 0 {
		return code
	}
	if len(urls) == 0 {
		return c.tryHelp("(2) no URL specified")
	}
	code = 0
	for _, u := range urls {
		code = c.transfer(ctx, u)
	}
	return code
}

func (c *curler) tryHelp(format string, args ...any) int {
	fmt.Fprintf(c.err, "curl: "+format+"\ncurl: try 'curl --help' for more information\n", args...)
	return 2
}

// options reads the command line. It returns an exit code, or -1 to go on.
func (c *curler) options() (urls []string, code int) {
	args := c.args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if len(arg) < 2 || arg[0] != '-' {
			urls = append(urls, arg)
			continue
		}
		if arg[1] == '-' {
			name := arg[2:]
			if short, ok := curlOptions[name]; ok {
				code = c.set(short, "--"+name, "")
			} else if short, ok := curlOptions[name+"="]; ok {
				if len(args) == 0 {
					return nil, c.tryHelp("option --%s: requires parameter", name)
				}
				if name == "url" {
					urls = append(urls, args[0])
				} else {
					code = c.set(short, "--"+name, args[0])
				}
				args = args[1:]
			} else {
				return nil, c.tryHelp("option --%s: is unknown", name)
			}
			if code > 0 {
				return nil, code
			}
			continue
		}
		for i := 1; i < len(arg); i++ {
			letter := string(arg[i])
			takes, known := curlLetter(letter)
			switch {
			case !known:
				return nil, c.tryHelp("option %s: is unknown", arg)
			case letter == "V":
				fmt.Fprintf(c.out, "curl %s (podnet)\nProtocols: http https\n", curlVersion)
				return nil, 0
			case takes:
				value := arg[i+1:]
				if value == "" {
					if len(args) == 0 {
						return nil, c.tryHelp("option %s: requires parameter", arg)
					}
					value, args = args[0], args[1:]
				}
				if code = c.set(letter, "-"+letter, value); code > 0 {
					return nil, code
				}
				i = len(arg)
			default:
				if code = c.set(letter, "-"+letter, ""); code > 0 {
					return nil, code
				}
			}
		}
	}
	return urls, -1
}

func curlLetter(letter string) (takes, known bool) {
	for name, short := range curlOptions {
		if short == letter {
			return strings.HasSuffix(name, "="), true
		}
	}
	return false, false
}

// set applies one option; long is its name as given.
func (c *curler) set(letter, long, value string) int {
	bad := func() int { return c.tryHelp("option %s: expected a proper numerical parameter", long) }
	seconds := func(d *time.Duration) int {
		f, ok := parsePositive(value)
		if !ok {
			return bad()
		}
		*d = time.Duration(f * float64(time.Second))
		return 0
	}
	switch letter {
	case "s":
		c.silent = true
	case "S":
		c.showError = true
	case "f":
		c.fail = true
	case "v":
		c.verbose = true
	case "i":
		c.include = true
	case "I":
		c.headOnly, c.include = true, true
	case "L":
		c.location = true
	case "k":
		c.insecure = true
	case "o":
		c.output = value
	case "O":
		c.remoteName = true
	case "X":
		c.method = value
	case "H":
		c.headers = append(c.headers, value)
	case "e":
		c.headers = append(c.headers, "Referer: "+value)
	case "d":
		return c.addData(value, true)
	case "G":
		c.get = true
	case "w":
		c.writeOut = value
	case "A":
		c.agent = value
	case "u":
		c.user = value
	case "m":
		return seconds(&c.maxTime)
	}
	switch long {
	case "--connect-timeout":
		return seconds(&c.connectTimeout)
	case "--retry-delay":
		return seconds(&c.retryDelay)
	case "--retry", "--max-redirs":
		n, err := parseUint(value)
		if err != nil {
			return bad()
		}
		if long == "--retry" {
			c.retry = n
		} else {
			c.maxRedirs = n
		}
	case "--retry-connrefused":
		c.retryRefused = true
	case "--data-raw":
		c.data = append(c.data, value)
	case "--data-binary":
		return c.addData(value, false)
	case "--json":
		c.headers = append(c.headers, "Content-Type: application/json", "Accept: application/json")
		return c.addData(value, false)
	case "--resolve":
		parts := strings.SplitN(strings.TrimPrefix(value, "+"), ":", 3)
		if len(parts) != 3 {
			fmt.Fprintf(c.err, "curl: (49) Couldn't parse CURLOPT_RESOLVE entry '%s'\n", value)
			return 49
		}
		c.resolved[parts[0]+":"+parts[1]] = strings.Split(parts[2], ",")
	}
	return 0
}

func parsePositive(s string) (float64, bool) {
	d, err := time.ParseDuration(s + "s")
	return d.Seconds(), err == nil && d >= 0 && d < math.MaxInt64
}

// addData is -d: with @ it is a file's content, without newlines if strip.
func (c *curler) addData(value string, strip bool) int {
	if name, ok := strings.CutPrefix(value, "@"); ok {
		f, err := c.open(name)
		if err != nil {
			fmt.Fprintf(c.err, "curl: Failed to open %s\n", name)
			return 26
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			fmt.Fprintf(c.err, "curl: Failed to open %s\n", name)
			return 26
		}
		value = string(data)
		if strip {
			value = strings.NewReplacer("\r", "", "\n", "").Replace(value)
		}
	}
	c.data = append(c.data, value)
	return 0
}

// transfer gets one URL, with its retries, and returns the exit code.
func (c *curler) transfer(ctx context.Context, raw string) int {
	wait := time.Second
	for try := 0; ; try++ {
		t := &curlTransfer{curler: c, raw: raw}
		t.run(ctx)
		if ctx.Err() != nil {
			return 1
		}
		if try < c.retry && t.transient() {
			if c.retryDelay > 0 {
				wait = c.retryDelay
			}
			if t.message != "" && (!c.silent || c.showError) {
				fmt.Fprintf(c.err, "curl: (%d) %s\n", t.code, t.message)
			}
			if !c.silent {
				fmt.Fprintf(c.err, "Warning: Problem: %s. Will retry in %.0f second%s. %d retr%s left.\n",
					t.problem(), wait.Seconds(), plural(wait == time.Second, "", "s"), c.retry-try, plural(c.retry-try == 1, "y", "ies"))
			}
			pause(ctx, wait)
			if wait *= 2; wait > 10*time.Minute {
				wait = 10 * time.Minute
			}
			continue
		}
		t.finish()
		return t.code
	}
}

func plural(one bool, singular, many string) string {
	if one {
		return singular
	}
	return many
}

// request builds the request, and the lines of it that -v shows.
func (c *curler) request(ctx context.Context, u *url.URL, method string, withData bool) (*http.Request, []string, error) {
	var body io.Reader
	data := strings.Join(c.data, "&")
	if withData {
		body = strings.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, nil, err
	}
	var head []string
	add := func(name, value string) {
		req.Header.Set(name, value)
		head = append(head, name+": "+value)
	}
	if c.user != "" {
		add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.user)))
	}
	add("User-Agent", c.agent)
	add("Accept", "*/*")
	if withData {
		head = append(head, fmt.Sprintf("Content-Length: %d", len(data)))
		add("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range c.headers {
		name, value, ok := strings.Cut(h, ":")
		value = strings.TrimSpace(value)
		if name, empty := strings.CutSuffix(h, ";"); !ok && empty {
			add(name, "")
			continue
		}
		head = without(head, name)
		switch {
		case strings.EqualFold(name, "Host"):
			req.Host = value
		case value == "" && strings.EqualFold(name, "User-Agent"):
			req.Header.Set(name, "") // else package http adds its own
		case value == "":
			req.Header.Del(name)
		default:
			add(name, value)
		}
	}
	host := req.Host
	lines := append([]string{fmt.Sprintf("%s %s HTTP/1.1", method, u.RequestURI()), "Host: " + host}, head...)
	return req, append(lines, ""), nil
}

func without(head []string, name string) []string {
	kept := head[:0]
	for _, h := range head {
		if n, _, _ := strings.Cut(h, ":"); !strings.EqualFold(n, name) {
			kept = append(kept, h)
		}
	}
	return kept
}

// destination opens where a transfer's output goes.
func (c *curler) destination(u *url.URL) (io.Writer, io.Closer, error) {
	name := c.output
	if c.remoteName {
		name = path.Base(u.Path)
	}
	if name == "" || name == "-" {
		return c.out, io.NopCloser(nil), nil
	}
	f, err := c.FS().OpenFile(c.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, nil, err
	}
	return f, f, nil
}

// addrPort splits a connection's peer.
func addrPort(conn net.Conn) (ip, port string) {
	ip, port, _ = net.SplitHostPort(conn.RemoteAddr().String())
	return ip, port
}
