// Package errno gives Linux's error numbers with Linux's texts on every
// operating system.
//
// A [syscall.Errno] prints what the machine that runs the test calls the error,
// and only on Linux is that what a container would print. [Of] mends that and
// nothing else: errors.Is and errors.As still find the syscall.Errno.
package errno

import "syscall"

// Of returns e as an error with Linux's text. Where the machine's own text is
// the same, it is e itself, so that comparing with == works as it does with
// package net on Linux.
func Of(e syscall.Errno) error {
	text, ok := texts[e]
	if !ok || e.Error() == text {
		return e
	}
	return &linuxErrno{e, text}
}

// linuxErrno is an errno that prints as on Linux. Timeout and Temporary come
// from the embedded number.
type linuxErrno struct {
	syscall.Errno
	text string
}

func (e *linuxErrno) Error() string { return e.text }

func (e *linuxErrno) Unwrap() error { return e.Errno }

// texts are those of strerror(3) in lower case, as package syscall prints them
// on Linux.
var texts = map[syscall.Errno]string{
	syscall.EACCES:          "permission denied",
	syscall.EADDRINUSE:      "address already in use",
	syscall.EADDRNOTAVAIL:   "cannot assign requested address",
	syscall.EAFNOSUPPORT:    "address family not supported by protocol",
	syscall.EAGAIN:          "resource temporarily unavailable",
	syscall.EALREADY:        "operation already in progress",
	syscall.EBADF:           "bad file descriptor",
	syscall.EBUSY:           "device or resource busy",
	syscall.ECONNABORTED:    "software caused connection abort",
	syscall.ECONNREFUSED:    "connection refused",
	syscall.ECONNRESET:      "connection reset by peer",
	syscall.EDESTADDRREQ:    "destination address required",
	syscall.EEXIST:          "file exists",
	syscall.EFBIG:           "file too large",
	syscall.EHOSTUNREACH:    "no route to host",
	syscall.EINPROGRESS:     "operation now in progress",
	syscall.EINVAL:          "invalid argument",
	syscall.EIO:             "input/output error",
	syscall.EISCONN:         "transport endpoint is already connected",
	syscall.EISDIR:          "is a directory",
	syscall.ELOOP:           "too many levels of symbolic links",
	syscall.EMSGSIZE:        "message too long",
	syscall.ENAMETOOLONG:    "file name too long",
	syscall.ENETUNREACH:     "network is unreachable",
	syscall.ENOBUFS:         "no buffer space available",
	syscall.ENODEV:          "no such device",
	syscall.ENOENT:          "no such file or directory",
	syscall.ENOMEM:          "cannot allocate memory",
	syscall.ENOPROTOOPT:     "protocol not available",
	syscall.ENOSPC:          "no space left on device",
	syscall.ENOSYS:          "function not implemented",
	syscall.ENOTCONN:        "transport endpoint is not connected",
	syscall.ENOTDIR:         "not a directory",
	syscall.ENOTEMPTY:       "directory not empty",
	syscall.ENXIO:           "no such device or address",
	syscall.EOPNOTSUPP:      "operation not supported",
	syscall.EPERM:           "operation not permitted",
	syscall.EPIPE:           "broken pipe",
	syscall.EPROTONOSUPPORT: "protocol not supported",
	syscall.EPROTOTYPE:      "protocol wrong type for socket",
	syscall.EROFS:           "read-only file system",
	syscall.ESPIPE:          "illegal seek",
	syscall.ESRCH:           "no such process",
	syscall.ETIMEDOUT:       "connection timed out",
	syscall.EXDEV:           "invalid cross-device link",
}
