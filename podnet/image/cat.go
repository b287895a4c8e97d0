package image

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"podnet.dev/podnet"
)

// cat is cat [-n] [file...].
func cat(_ context.Context, p *proc) int {
	set, files, ok := p.flags("nu")
	if !ok {
		return 1
	}
	line := 0
	return p.eachInput(files, func(_ string, r io.Reader) error {
		if !set['n'] {
			_, err := io.Copy(p.out, r)
			return err
		}
		return eachLine(r, func(text string) error {
			line++
			_, err := fmt.Fprintf(p.out, "%6d\t%s", line, text)
			return err
		})
	})
}

// eachLine calls do for every line of r, with its newline if it has one.
func eachLine(r io.Reader, do func(string) error) error {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			if err := do(line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tee is tee [-a] [file...].
func tee(_ context.Context, p *proc) int {
	set, names, ok := p.flags("ai")
	if !ok {
		return 1
	}
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if set['a'] {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	code := 0
	files := []podnet.File{}
	for _, name := range names {
		f, err := p.FS().OpenFile(p.path(name), flag, 0o644)
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			code = 1
			continue
		}
		defer f.Close()
		files = append(files, f)
	}
	buf := make([]byte, 4096)
	for {
		n, err := p.in.Read(buf)
		if n > 0 {
			if _, err := p.out.Write(buf[:n]); err != nil {
				return 1
			}
			for _, f := range files {
				if _, err := f.Write(buf[:n]); err != nil {
					p.errorf("%s: %s", f.Name(), strerror(err))
					code = 1
				}
			}
		}
		if err != nil {
			return code
		}
	}
}
