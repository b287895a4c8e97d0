package image

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// logLine writes to the error log, as nginx formats it.
func (n *nginxServer) logLine(level, format string, args ...any) {
	w := n.errorLog
	if w == nil {
		w = n.err
	}
	pid := n.PID()
	fmt.Fprintf(w, "%s [%s] %d#%d: %s\n", time.Now().UTC().Format("2006/01/02 15:04:05"), level, pid, pid, fmt.Sprintf(format, args...))
}

// emerg writes to the error log and, as nginx does while it starts, to stderr.
func (n *nginxServer) emerg(format string, args ...any) {
	n.logLine("emerg", format, args...)
	fmt.Fprintf(n.err, "nginx: [emerg] "+format+"\n", args...)
}

// requestError writes what went wrong with a request to the error log.
func (n *nginxServer) requestError(r *http.Request, text string) {
	host := ""
	if r.Host != "" {
		host = fmt.Sprintf(", host: %q", r.Host)
	}
	if ref := r.Referer(); ref != "" {
		host += fmt.Sprintf(", referrer: %q", ref)
	}
	number, _ := r.Context().Value(connNumber{}).(int64)
	n.logLine("error", "*%d %s, client: %s, server: localhost, request: \"%s\"%s", number, text, clientIP(r.RemoteAddr), requestLine(r), host)
}

func clientIP(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

func requestLine(r *http.Request) string { return r.Method + " " + r.RequestURI + " " + r.Proto }

// access writes a line of the access log, in the format "combined".
func (n *nginxServer) access(r *http.Request, status int, sent int64) {
	user := "-"
	if name, _, ok := r.BasicAuth(); ok && name != "" {
		user = name
	}
	n.accessLine(clientIP(r.RemoteAddr), user, requestLine(r), status, sent, r.Referer(), r.UserAgent())
}

func (n *nginxServer) accessLine(ip, user, request string, status int, sent int64, referer, agent string) {
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return nginxEscape(s)
	}
	// One write for a line: the log may be shared with others.
	io.WriteString(n.accessLog, fmt.Sprintf("%s - %s [%s] \"%s\" %d %d \"%s\" \"%s\"\n", ip, nginxEscape(user),
		time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700"), nginxEscape(request), status, sent, or(referer), or(agent)))
}

// nginxEscape writes quotes, backslashes and what is not printable as \xXX, as
// the access log does.
func nginxEscape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < 0x20 || c > 0x7e {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
