package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

var errEmpty = errors.New("no Kubernetes object in it: want apiVersion, kind, metadata and spec")

// document is one document of a manifest, without the comments and empty lines
// before its first line.
type document struct {
	line int // of its first line in the manifest
	text []byte
	json bool // text is one JSON value
}

// split cuts a manifest where kubectl does (apimachinery, util/yaml), and knows
// the lines. Documents of comments only are left out. Other than there, "..."
// ends a document too, as YAML says: the YAML library would drop what follows.
func split(text []byte) ([]document, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var docs []document
	var doc document
	end := func() {
		if doc.text != nil {
			docs = append(docs, doc.values()...)
		}
		doc = document{}
	}
	start := 0 // where doc starts in text
	for n, at := 1, 0; at < len(text); n++ {
		size := bytes.IndexByte(text[at:], '\n') + 1
		if size == 0 {
			size = len(text) - at
		}
		line := text[at : at+size]
		switch bare := bytes.TrimSpace(line); {
		case bytes.HasPrefix(line, []byte("---")):
			if rest := bytes.TrimSpace(line[3:]); len(rest) > 0 && rest[0] != '#' {
				return nil, fmt.Errorf(`line %d: %s after "---": put it on a line of its own`, n, quote(string(rest)))
			}
			end()
		case bytes.Equal(bytes.TrimRight(line, " \t\r\n"), []byte("...")):
			end()
		case doc.text != nil:
			doc.text = text[start : at+size]
		case len(bare) > 0 && bare[0] != '#':
			start = at
			doc = document{line: n, text: line}
		}
		at += size
	}
	end()
	return docs, nil
}

// values returns the JSON values in d, one document each, or d itself if it is
// not JSON. kubectl reads several values one after the other as well.
func (d document) values() []document {
	if bytes.TrimLeft(d.text, " \t")[0] != '{' || len(d.text) > maxDocument {
		return []document{d}
	}
	var docs []document
	decoder := json.NewDecoder(bytes.NewReader(d.text))
	for line, at := d.line, 0; ; {
		var value json.RawMessage
		if err := decoder.Decode(&value); err == io.EOF {
			return docs
		} else if err != nil {
			return []document{d}
		}
		end := int(decoder.InputOffset())
		line += bytes.Count(d.text[at:end-len(value)], []byte("\n"))
		docs = append(docs, document{line: line, text: value, json: true})
		line += bytes.Count(value, []byte("\n"))
		at = end
	}
}

// checkText refuses what is no text in UTF-8 before anything tries to make
// sense of it.
func checkText(text []byte) error {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		return errors.New("text in UTF-16: save it as UTF-8")
	}
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			line := 1 + bytes.Count(text[:at], []byte("\n"))
			return fmt.Errorf("line %d: no text in UTF-8 (byte 0x%02x): is this a manifest?", line, text[at])
		}
		at += size
	}
}
