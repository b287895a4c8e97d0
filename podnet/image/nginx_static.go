package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"syscall"

	"podnet.dev/podnet"
)

// countingWriter counts a response's body for the access log.
type countingWriter struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.sent += int64(n)
	return n, err
}

// handle answers a request as nginx's static module does.
func (n *nginxServer) handle(rw http.ResponseWriter, r *http.Request) {
	w := &countingWriter{ResponseWriter: rw}
	defer func() {
		if r.Method == http.MethodHead {
			w.sent = 0
		}
		n.access(r, w.status, w.sent)
	}()
	w.Header().Set("Server", "nginx/"+nginxVersion)
	switch {
	case r.ProtoAtLeast(1, 1) && r.ProtoMajor == 1 && r.Host == "", !cleanPath(r.URL.Path):
		n.errorPage(w, r, http.StatusBadRequest)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		n.errorPage(w, r, http.StatusMethodNotAllowed)
		return
	}
	name := nginxRoot + path.Clean("/"+r.URL.Path)
	if strings.HasSuffix(r.URL.Path, "/") {
		n.directory(w, r, strings.TrimSuffix(name, "/")+"/")
		return
	}
	f, info, err := n.openFile(name)
	switch {
	case err != nil:
		n.openError(w, r, name, err)
	case info.IsDir():
		f.Close()
		w.Header().Set("Location", n.absolute(r, r.URL.EscapedPath()+"/"))
		n.errorPage(w, r, http.StatusMovedPermanently)
	default:
		defer f.Close()
		n.file(w, r, name, f, info)
	}
}

// cleanPath reports whether a path stays below the root, as nginx insists
// before it looks at anything else.
func cleanPath(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.ContainsRune(p, 0) {
		return false
	}
	depth := 0
	for _, part := range strings.Split(p, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return false
			}
		default:
			depth++
		}
	}
	return true
}

func (n *nginxServer) openFile(name string) (podnet.File, fs.FileInfo, error) {
	f, err := n.FS().Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// directory serves a directory's index.
func (n *nginxServer) directory(w http.ResponseWriter, r *http.Request, dir string) {
	for _, index := range []string{"index.html", "index.htm"} {
		f, info, err := n.openFile(dir + index)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
				if dirInfo, derr := n.FS().Stat(dir); derr != nil || !dirInfo.IsDir() {
					n.requestError(r, fmt.Sprintf("\"%s\" is not found (%s)", dir+"index.html", errnoText(err)))
					n.errorPage(w, r, http.StatusNotFound)
					return
				}
				continue
			}
			n.openError(w, r, dir+index, err)
			return
		}
		defer f.Close()
		if info.IsDir() {
			continue
		}
		n.file(w, r, dir+index, f, info)
		return
	}
	n.requestError(r, fmt.Sprintf("directory index of \"%s\" is forbidden", dir))
	n.errorPage(w, r, http.StatusForbidden)
}

func (n *nginxServer) openError(w http.ResponseWriter, r *http.Request, name string, err error) {
	n.requestError(r, fmt.Sprintf("open() \"%s\" failed (%s)", name, errnoText(err)))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		n.errorPage(w, r, http.StatusNotFound)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ELOOP):
		n.errorPage(w, r, http.StatusForbidden)
	default:
		n.errorPage(w, r, http.StatusInternalServerError)
	}
}

// file serves a file. Ranges, conditions and HEAD are package http's; what it
// would answer differently is put right before and after.
func (n *nginxServer) file(w http.ResponseWriter, r *http.Request, name string, f io.ReadSeeker, info fs.FileInfo) {
	h := w.Header()
	h.Set("Content-Type", nginxType(name))
	h.Set("ETag", fmt.Sprintf("\"%x-%x\"", info.ModTime().Unix(), info.Size()))
	if !satisfiable(r, info.Size()) {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", info.Size()))
		h.Del("ETag")
		n.errorPage(w, r, http.StatusRequestedRangeNotSatisfiable)
		return
	}
	http.ServeContent(&staticWriter{w, info.ModTime().UTC().Format(http.TimeFormat)}, r, "", info.ModTime(), f)
}

// satisfiable reports whether the request's range, if it has one, begins within
// the file. nginx ignores what it cannot read.
func satisfiable(r *http.Request, size int64) bool {
	spec, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !ok || r.Header.Get("If-Range") != "" {
		return true
	}
	for _, part := range strings.Split(spec, ",") {
		first, last, ok := strings.Cut(strings.TrimSpace(part), "-")
		if !ok {
			return false
		}
		if first == "" {
			if n, err := strconv.ParseInt(last, 10, 64); err == nil && n > 0 && size > 0 {
				return true
			}
			continue
		}
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return false
		}
		if last != "" {
			if m, err := strconv.ParseInt(last, 10, 64); err != nil || m < n {
				return false
			}
		}
		if n < size {
			return true
		}
	}
	return false
}

// staticWriter shows Accept-Ranges only where nginx does, with a whole file, and
// Last-Modified also where package http does not, with a 304.
type staticWriter struct {
	http.ResponseWriter
	modified string
}

func (w *staticWriter) WriteHeader(status int) {
	if status != http.StatusOK {
		w.Header().Del("Accept-Ranges")
	}
	if status == http.StatusNotModified {
		w.Header().Set("Last-Modified", w.modified)
	}
	w.ResponseWriter.WriteHeader(status)
}

var nginxReasons = map[int]string{
	http.StatusMethodNotAllowed: "Not Allowed", http.StatusRequestedRangeNotSatisfiable: "Requested Range Not Satisfiable",
}

// errorPage answers with nginx's own page for a status.
func (n *nginxServer) errorPage(w http.ResponseWriter, r *http.Request, status int) {
	reason := nginxReasons[status]
	if reason == "" {
		reason = http.StatusText(status)
	}
	title := fmt.Sprintf("%d %s", status, reason)
	page := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>nginx/" +
		nginxVersion + "</center>\r\n</body>\r\n</html>\r\n"
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	if status == http.StatusBadRequest {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.WriteString(w, page)
	}
}

// absolute makes a redirect's target absolute: nginx names the host as asked
// for, and its own port unless it is 80.
func (n *nginxServer) absolute(r *http.Request, to string) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
		if strings.Contains(h, ":") {
			host = "[" + h + "]"
		}
	}
	if host == "" {
		host = "localhost"
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	return "http://" + host + to
}
