package netstack

import (
	"io"
	"net"
)

var (
	_ io.ReaderFrom = (*tcpConn)(nil)
	_ io.WriterTo   = (*tcpConn)(nil)
)

// ReadFrom writes all that r gives, up to io.EOF. It returns the number of bytes
// written.
func (c *tcpConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(struct{ io.Writer }{c}, r)
	return n, c.copyError("readfrom", err)
}

// WriteTo reads to the end of the stream and writes all of it to w. It returns
// the number of bytes written.
func (c *tcpConn) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, struct{ io.Reader }{c})
	return n, c.copyError("writeto", err)
}

// copyError wraps err once more, as net does, whichever end it comes from.
func (c *tcpConn) copyError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.net, Source: c.local, Addr: c.peer, Err: err}
}
