package volume

// A Device is what stands behind a device node, such as /dev/stdout. The zero
// Device is /dev/null.
//
// The functions are called without any lock and by many goroutines at once,
// and they may wait; closing a [File] does not wake them. They follow io.Reader
// and io.Writer. An error other than io.EOF is wrapped in an [*fs.PathError].
type Device struct {
	Read  func(p []byte) (int, error) // nil: always at its end
	Write func(p []byte) (int, error) // nil: takes and forgets everything
}

// isNull reports whether nothing stands behind the device. Only then can it be
// read and written at an offset, as /dev/null can: the others are like pipes.
func (d *Device) isNull() bool { return d.Read == nil && d.Write == nil }
