package image

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"strings"
)

// md5sum is md5sum [file...].
func md5sum(_ context.Context, p *proc) int { return p.checksum(md5.New) }

// sha256sum is sha256sum [file...].
func sha256sum(_ context.Context, p *proc) int { return p.checksum(sha256.New) }

func (p *proc) checksum(newHash func() hash.Hash) int {
	_, names, ok := p.options("b", nil)
	if !ok {
		return 1
	}
	return p.eachInput(names, func(name string, r io.Reader) error {
		h := newHash()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "%x  %s\n", h.Sum(nil), name)
		return err
	})
}

// base64Cmd is base64 [-d] [-w columns] [file].
func base64Cmd(_ context.Context, p *proc) int {
	opts, names, ok := p.options("dw:", map[string]string{"decode": "d"})
	if !ok {
		return 1
	}
	decode, columns := false, int64(76)
	for _, o := range opts {
		if o.name == "d" {
			decode = true
		} else if columns, ok = p.number(o.value); !ok {
			return 1
		}
	}
	if len(names) > 1 {
		return p.usageError()
	}
	bad := false
	code := p.eachInput(names, func(_ string, r io.Reader) error {
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if decode {
			plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(data)), ""))
			p.out.Write(plain)
			bad = err != nil
			return nil
		}
		text := base64.StdEncoding.EncodeToString(data)
		for columns > 0 && int64(len(text)) > columns {
			fmt.Fprintln(p.out, text[:columns])
			text = text[columns:]
		}
		if columns > 0 && text != "" {
			text += "\n"
		}
		_, err = io.WriteString(p.out, text)
		return err
	})
	if bad {
		p.errorf("truncated input")
		return 1
	}
	return code
}
