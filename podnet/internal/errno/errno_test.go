package errno

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTextIsLinuxs(t *testing.T) {
	for e, text := range texts {
		assert.Equal(t, text, Of(e).Error())
		if runtime.GOOS == "linux" {
			assert.Equal(t, e.Error(), text, "the table is held against Linux")
		}
	}
}

func TestErrorsSeeThrough(t *testing.T) {
	wrapped := error(&linuxErrno{syscall.ENOENT, "as on Linux"})
	assert.ErrorIs(t, wrapped, syscall.ENOENT)
	assert.ErrorIs(t, wrapped, fs.ErrNotExist)
	var e syscall.Errno
	assert.True(t, errors.As(wrapped, &e))
	assert.Equal(t, syscall.ENOENT, e)

	timeout := os.NewSyscallError("connect", &linuxErrno{syscall.ETIMEDOUT, "as on Linux"})
	var tm interface{ Timeout() bool }
	assert.True(t, errors.As(timeout, &tm) && tm.Timeout())
}
